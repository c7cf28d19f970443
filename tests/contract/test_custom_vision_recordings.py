"""The client reads what the live service once answered; recorded sessions of Microsoft's own SDK tests."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.adapters.call_budget import UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import make_session
from shared.domain.resources import Resource
from tests.fakes import SettableClock
from tests.unit.adapters.scripted_server import JSON, Reply, ScriptedServer, scripted_server

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "recordings"
P = "11111111-2222-3333-4444-555555555555"

needs_recordings = pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings beside this checkout")

type Read = Callable[[CustomVisionClient], Any]
READS: dict[str, Read] = {
    r"GET projects": lambda client: client.get_projects(),
    r"GET projects/ID": lambda client: client.get_project(P),
    r"GET projects/ID/tags": lambda client: client.get_tags(P),
    r"GET projects/ID/iterations": lambda client: client.get_iterations(P),
    r"GET projects/ID/iterations/ID": lambda client: client.get_iteration(P, P),
    r"GET projects/ID/images(/tagged|/untagged)?": lambda client: list(client.image_pages(P)),
    r"GET projects/ID/images/id": lambda client: client.get_images_by_ids(P, [P]),
    r"GET projects/ID/images(/tagged|/untagged)?/count": lambda client: client.get_image_count(P),
    r"GET projects/ID/iterations/ID/performance": lambda client: client.get_iteration_performance(P, P),
    r"GET projects/ID/iterations/ID/performance/images/count": lambda client: client.get_image_performance_count(P, P),
    r"GET projects/ID/iterations/ID/export": lambda client: client.get_exports(P, P),
    r"POST projects/ID/predictions/query": lambda client: client.query_predictions(P),
    r"DELETE projects/ID": lambda client: client.delete_project(P),
    r"DELETE projects/ID/images": lambda client: client.delete_images(P, [P], all_iterations=False),
    r"DELETE projects/ID/predictions": lambda client: client.delete_predictions(P, [P]),
    r"DELETE projects/ID/tags/ID": lambda client: client.delete_tag(P, P),
    r"DELETE projects/ID/iterations/ID": lambda client: client.delete_iteration(P, P),
    r"DELETE projects/ID/iterations/ID/publish": lambda client: client.unpublish_iteration(P, P),
}


def operation(entry: dict[str, Any]) -> str:
    path = urlsplit("https:" + entry["RequestUri"].replace("//", "/")).path
    path = path.split("/training/", 1)[-1].strip("/")
    return f"{entry['RequestMethod']} " + re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", path)


def recorded() -> list[tuple[str, dict[str, Any], Read]]:
    found = []
    for file in sorted(RECORDINGS.glob("training-v3*/*.json")):
        for entry in json.loads(file.read_text("utf-8-sig")).get("Entries", []):
            reads = [read for pattern, read in READS.items() if re.fullmatch(pattern, operation(entry))]
            found += [(f"{file.stem}: {operation(entry)}", entry, read) for read in reads]
    return found


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[CustomVisionClient]:
    with make_session(1) as session:
        yield CustomVisionClient(
            server.url, key="k", credential=None, session=session, budget=UnlimitedBudget(), clock=SettableClock()
        )


def rows(value: Any) -> Any:
    """What was read, as plain JSON again."""
    match value:
        case Resource():
            return value.row
        case [list() as only_page]:
            return rows(only_page)
        case list():
            return [rows(part) for part in value]
    return value


@needs_recordings
def test_the_recordings_show_every_operation_but_those_nobody_recorded() -> None:
    seen = {operation(entry) for _, entry, _ in recorded()}
    unseen = {pattern for pattern in READS if not any(re.fullmatch(pattern, one) for one in seen)}
    assert unseen == set()


@needs_recordings
@pytest.mark.parametrize(("entry", "read"), [pytest.param(entry, read, id=name) for name, entry, read in recorded()])
def test_a_recorded_answer_is_read_whole(
    client: CustomVisionClient, server: ScriptedServer, entry: dict[str, Any], read: Read
) -> None:
    body = (entry["ResponseBody"] or "").encode()
    headers = {"apim-request-id": entry["ResponseHeaders"]["apim-request-id"][0]}
    server.script(Reply(entry["StatusCode"], body, headers | JSON))
    value = read(client)
    if entry["RequestMethod"] == "DELETE":
        (answer,) = value if isinstance(value, list) else [value]
        assert (answer.accepted_only, answer.request_id) == (False, headers["apim-request-id"])
    elif entry["RequestMethod"] == "POST":
        assert [one.row for one in value.predictions] == json.loads(body)["results"]
        assert value.next_token is None
    else:
        assert rows(value) == json.loads(body)


@needs_recordings
def test_the_recorded_artifact_is_asked_for_with_its_leading_slash(
    client: CustomVisionClient, server: ScriptedServer
) -> None:
    server.script(Reply(200, b"bytes"))
    with client.artifact(P, "/i-x/i-y") as chunks:
        assert b"".join(chunks) == b"bytes"
    sent = urlsplit(server.asked[0].target).query
    (entry,) = [
        entry
        for file in RECORDINGS.glob("training-v3.3*/GetImages_GetArtifact*.json")
        for entry in json.loads(file.read_text("utf-8-sig"))["Entries"]
        if "/artifacts" in entry["RequestUri"]
    ]
    assert sent.startswith("path=%2F")
    assert urlsplit("https:" + entry["RequestUri"]).query.lower().startswith(("path=%2f", "path=/"))
