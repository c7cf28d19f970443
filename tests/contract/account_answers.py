"""Answers of Azure Resource Manager about one account, for scripted servers."""

import json

from shared.domain.account import AccountId
from tests.unit.adapters.scripted_server import JSON, Reply


def parsed(text: str) -> AccountId:
    account = AccountId.parse(text)
    assert account is not None
    return account


ANY = parsed(
    "/subscriptions/00000000-0000-4000-a000-000000000001/resourceGroups/g"
    "/providers/Microsoft.CognitiveServices/accounts/faces"
)


def answer(value: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(value).encode(), {**JSON, **headers})


def refused(status: int, code: str, **headers: str) -> Reply:
    return answer({"error": {"code": code, "message": f"scope '{ANY.path}'"}}, status, **headers)
