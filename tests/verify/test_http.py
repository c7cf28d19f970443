"""Keys and signed receipts as HTTP gives them, by the app's own functions on a real storage account."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function
from azure.functions.queue import QueueMessage

from function_app import create_app
from local.azurite.accounts import SERVICE_ACCOUNT
from local.azurite.server import Azurite
from local.verify_receipt.signature import signed_content
from tests.verify.ledgers import BODY, SETTINGS, key_pair

SIGNING, RETIRED = key_pair(), key_pair("ES256")
SIGNED = {"RECEIPT_SIGNING_KEY": SIGNING.private.replace("\n", "\\n"), "RECEIPT_RETIRED_KEYS": RETIRED.public}

pytestmark = pytest.mark.azurite


@dataclass(frozen=True)
class App:
    """The functions of an app, by name."""

    functions: Mapping[str, Function]

    def call(self, name: str, body: object = None, accept: str = "*/*", **route: str) -> func.HttpResponse:
        """Call an HTTP function."""
        headers = {"Content-Type": "application/json", "Accept": accept}
        content = json.dumps(body).encode()
        request = func.HttpRequest("POST", "http://localhost/api", headers=headers, route_params=route, body=content)
        answer: func.HttpResponse = self.functions[name].get_user_function()(req=request)
        return answer

    def cancelled(self) -> str:
        """Accept an erasure and take it back; gives its id."""
        request_id = str(uuid.uuid4())
        assert self.call("post_erasure", {"subject_request_id": request_id, **BODY}).status_code == 202
        assert self.call("cancel_request", request_id=request_id).status_code == 202
        return request_id

    def ended(self) -> str:
        """Accept an erasure, take it back, and deliver the message that ends it; gives its id."""
        request_id = self.cancelled()
        body = json.dumps({"subject_request_id": request_id, "attempt": 1}).encode()
        self.functions["work_erasure"].get_user_function()(msg=QueueMessage(id="1", body=body, dequeue_count=1))
        return request_id

    def keys(self) -> dict[str, list[dict[str, str]]]:
        """Read the key set."""
        answer = self.call("get_keys")
        assert (answer.status_code, answer.mimetype) == (200, "application/json")
        keys: dict[str, list[dict[str, str]]] = json.loads(answer.get_body())
        return keys


type MakeApp = Callable[..., App]


@pytest.fixture
def make_app(azurite: Azurite) -> MakeApp:
    """Make apps on an account whose queues no other test uses (their names are fixed), with settings as keywords."""
    own = {
        "AzureWebJobsStorage": azurite.connection_string(SERVICE_ACCOUNT),
        "REQUESTS_CONTAINER": f"requests-{uuid.uuid4().hex[:12]}",
        "EXPORTS_CONTAINER": f"exports-{uuid.uuid4().hex[:12]}",
    }

    def make(**settings: str) -> App:
        functions = create_app(SETTINGS | own | settings).get_functions()
        return App({str(one.get_function_name()): one for one in functions})

    return make


def test_the_keys_are_the_public_ones_and_anybody_may_read_them(make_app: MakeApp) -> None:
    app = make_app(**SIGNED)
    keys = app.keys()["keys"]
    assert [key["alg"] for key in keys] == ["EdDSA", "ES256"]
    assert not any("d" in key for key in keys)
    trigger = json.loads(app.functions["get_keys"].get_function_json())["bindings"][0]
    assert (trigger["authLevel"], trigger["route"]) == ("ANONYMOUS", "keys")


def test_without_keys_the_set_is_empty(make_app: MakeApp) -> None:
    assert make_app().keys() == {"keys": []}


@pytest.mark.parametrize("accept", ["application/jose", "Application/JOSE", "application/jose, application/json;q=0.5"])
def test_a_receipt_is_had_as_json_and_signed(make_app: MakeApp, accept: str) -> None:
    app = make_app(**SIGNED)
    request_id = app.ended()
    plain = app.call("get_receipt", request_id=request_id)
    signed = app.call("get_receipt", accept=accept, request_id=request_id)
    assert (plain.status_code, plain.mimetype) == (200, "application/json")
    assert (signed.status_code, signed.mimetype) == (200, "application/jose")
    assert signed_content(signed.get_body(), app.keys()).content == plain.get_body()


@pytest.mark.parametrize(
    "accept",
    [
        "application/jose;q=0",
        "application/jose; q=0.000, application/json",
        "application/json, application/jose; q=0.5",
        "*/*",
        "",
    ],
)
def test_a_caller_who_does_not_ask_for_the_signed_form_gets_json(make_app: MakeApp, accept: str) -> None:
    app = make_app(**SIGNED)
    assert app.call("get_receipt", accept=accept, request_id=app.ended()).mimetype == "application/json"


def test_an_unsigned_receipt_cannot_be_had_signed(make_app: MakeApp) -> None:
    app = make_app()
    request_id = app.ended()
    assert app.call("get_receipt", request_id=request_id).status_code == 200
    assert app.call("get_receipt", accept="application/jose", request_id=request_id).status_code == 406


@pytest.mark.parametrize("accept", ["application/jose", "application/json"])
def test_before_the_end_there_is_no_receipt_of_either_form(make_app: MakeApp, accept: str) -> None:
    app = make_app(**SIGNED)
    assert app.call("get_receipt", accept=accept, request_id=app.cancelled()).status_code == 409


def test_a_malformed_key_is_an_answer_that_names_the_setting_and_shows_nothing(make_app: MakeApp) -> None:
    app = make_app(RECEIPT_SIGNING_KEY="a secret that is no key")
    for answer in (app.call("get_keys"), app.call("post_erasure", BODY), app.call("get_health")):
        assert answer.status_code == 503
        assert b"RECEIPT_SIGNING_KEY" in answer.get_body()
        assert b"a secret" not in answer.get_body()
