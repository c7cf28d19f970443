"""What the client tells: neither logs nor errors hold a key, an address or a body."""

import logging
import traceback
from collections.abc import Callable, Sequence

import pytest
import requests

from shared.adapters.custom_vision import CustomVisionClient
from shared.domain.errors import GdprError
from tests.unit.adapters.conftest import KEY
from tests.unit.adapters.scripted_server import HANG_UP, RESET, Reply, ScriptedServer
from tests.unit.adapters.service_answers import PROJECT, ids, make


def all_calls(client: CustomVisionClient) -> list[Callable[[], object]]:
    return [
        client.get_projects,
        lambda: client.get_images_by_ids(PROJECT, ids(300)),
        lambda: client.delete_images(PROJECT, ids(300), all_iterations=True),
        lambda: client.query_predictions(PROJECT),
        lambda: client.artifact(PROJECT, "/secret-path").__enter__(),
    ]


FAULTS = [
    RESET,
    HANG_UP,
    Reply(429, b'{"message": "secret-body"}'),
    Reply(500, b"secret-body"),
    Reply(404, b"secret-body"),
    Reply(200, b'["secret-body'),
    Reply(200, b"secret-body"),
    Reply(200, b"secret-body", {"bad header\x01": "x"}, announced=500, then="close"),
    Reply(302, headers={"Location": "https://elsewhere.example/?sig=secret-sig"}),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_neither_logs_nor_errors_show_keys_addresses_or_bodies(
    client: CustomVisionClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture, fault: Reply
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(fault)
    errors = [error for call in all_calls(client) if (error := error_of_call(call))]
    assert server.asked
    assert_nothing_is_told(errors, caplog.text)


def test_a_service_that_is_not_there_is_not_named(
    session: requests.Session, refused_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors = [error_of_call(call) for call in all_calls(make(f"http://127.0.0.1:{refused_port}", session))]
    assert None not in errors
    assert_nothing_is_told([error for error in errors if error], caplog.text)
    assert all("NewConnectionError" in error.__notes__[0] for error in errors if error)


def error_of_call(call: Callable[[], object]) -> GdprError | None:
    try:
        call()
    except GdprError as error:
        return error
    return None


def assert_nothing_is_told(errors: Sequence[GdprError], logged: str) -> None:
    told = logged + "".join("".join(traceback.format_exception(error)) + repr(vars(error)) for error in errors)
    for secret in (KEY, "http://", "https://", "127.0.0.1", "secret", "imageIds", ids(2)[1]):
        assert secret not in _without_source(told)
    # What a foreign exception holds (the request with its key) must not even hang on.
    assert all(error.__cause__ is None and error.__context__ is None for error in errors)


def _without_source(told: str) -> str:
    """Drop the lines of code that a traceback quotes: they are the program, not the data."""
    return "\n".join(line for line in told.splitlines() if not line.startswith("    "))
