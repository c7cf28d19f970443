"""What the client tells: neither logs nor errors hold a key, an address or a body."""

import logging
import traceback
from collections.abc import Callable

import pytest

from shared.adapters.custom_vision import CustomVisionClient
from shared.domain.errors import (
    GdprError,
    TransientError,
)
from tests.unit.adapters.conftest import KEY
from tests.unit.adapters.scripted_server import HANG_UP, RESET, Reply, ScriptedServer
from tests.unit.adapters.service_answers import PROJECT, ids


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
    told = ""
    for call in all_calls(client):
        try:
            call()
        except (GdprError, TransientError) as error:
            told += "".join(traceback.format_exception(error)) + repr(vars(error))
    told += caplog.text
    assert server.asked
    for secret in (KEY, "http://", "https://", "secret", "imageIds", ids(2)[1]):
        assert secret not in _without_source(told)


def _without_source(told: str) -> str:
    """Drop the lines of code that a traceback quotes: they are the program, not the data."""
    return "\n".join(line for line in told.splitlines() if not line.startswith("    "))
