"""What the tests of the client share: answers as the service forms them, and a client on any endpoint."""

import json
from urllib.parse import parse_qs, urlsplit

import requests
from azure.core.credentials import AccessToken

from shared.adapters.call_budget import Purpose, UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import Timeouts
from tests.fakes import SettableClock
from tests.unit.adapters.conftest import KEY
from tests.unit.adapters.scripted_server import JSON, Asked, Reply

PROJECT = "11111111-2222-3333-4444-555555555555"
OTHER = "aaaaaaaa-2222-3333-4444-555555555555"
ROW = {"id": PROJECT, "name": "Anna"}


def answer(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), JSON)


def refusal(status: int, code: str, message: str = "", **headers: str) -> Reply:
    return Reply(status, json.dumps({"code": code, "message": message}).encode(), {**JSON, **headers})


def query_of(asked: Asked) -> dict[str, list[str]]:
    return parse_qs(urlsplit(asked.target).query)


def ids(count: int) -> list[str]:
    return [f"00000000-0000-0000-0000-{number:012x}" for number in range(count)]


class Credential:
    def __init__(self, failure: Exception | None = None) -> None:
        self.scopes: list[str] = []
        self._failure = failure

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes += scopes
        if self._failure:
            raise self._failure
        return AccessToken("a-token", 2**40)


def make(
    endpoint: str,
    session: requests.Session,
    *,
    key: str | None = KEY,
    credential: Credential | None = None,
    budget: object = None,
    purpose: Purpose = "export",
) -> CustomVisionClient:
    return CustomVisionClient(
        endpoint,
        key=key,
        credential=credential,
        session=session,
        budget=budget or UnlimitedBudget(),  # type: ignore[arg-type]
        purpose=purpose,
        clock=SettableClock(),
        sleep=lambda _: None,
        timeouts=Timeouts(connect=2, read=2),
    )
