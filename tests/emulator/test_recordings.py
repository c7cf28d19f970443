"""Answers that were recorded from the real service have the same keys, types, absent keys and date forms as ours."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from local.custom_vision.control import EmulatorControl
from local.custom_vision.routes import match
from local.custom_vision.server import RunningEmulator
from tests.emulator.conftest import REFERENCE, Api
from tests.emulator.session import Exchange, drive

RECORDINGS = REFERENCE / "recordings"
pytestmark = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="needs the recorded answers in ../shared/reference/recordings"
)

# Keys that real rows leave out when there is nothing to say.
OPTIONAL = {"tags", "regions", "metadata", "trainedAt", "boundingBox"}
# Dynamic keys: tag ids in the counts of suggestions.
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FORMS = (
    ("guid", _GUID),
    ("date with zone", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")),
    ("date without zone", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?")),
)
_LINK = re.compile(r"https?://[^/]+/(?:blobs/)?(?P<path>[^?]+)\?sv=2017-04-17&sr=b&sig=[^&]+&se=[^&]+Z&sp=r")
_EXPIRY = re.compile(r"&se=\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ&")

Shapes = dict[str, dict[str, set[str]]]


def _form(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "null" if value is None else "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if link := _LINK.fullmatch(value):
        assert _EXPIRY.search(value)
        return "link " + re.sub(r"[0-9a-f]{32}", "H", _GUID.sub("G", link["path"]))
    return next((name for name, pattern in _FORMS if pattern.fullmatch(value)), "text")


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield path, "object"
        for key, one in value.items():
            yield from _leaves(one, f"{path}.{_GUID.sub('G', key)}")
    elif isinstance(value, list):
        yield path, "list"
        for one in value:
            yield from _leaves(one, path + "[]")
    else:
        yield path, _form(value)


def _shapes(bodies: list[tuple[str, Any]]) -> Shapes:
    shapes: Shapes = defaultdict(lambda: defaultdict(set))
    for operation, body in bodies:
        for path, form in _leaves(body):
            shapes[operation][path].add(form)
    return shapes


def _recorded(*folders: str) -> list[tuple[str, Any]]:
    found = []
    for folder in folders:
        for file in sorted((RECORDINGS / folder).glob("*.json")):
            for entry in json.loads(file.read_text(encoding="utf-8-sig"))["Entries"]:
                path = entry["RequestUri"].partition("?")[0]
                operation = match(entry["RequestMethod"], path)
                is_json = "json" in str(entry["ResponseHeaders"].get("Content-Type", ""))
                if operation is not None and entry["ResponseBody"] and is_json:
                    found.append((operation.operation.name, json.loads(entry["ResponseBody"])))
    return found


def _answers(exchanges: list[Exchange]) -> list[tuple[str, Any]]:
    return [(one.operation, one.body) for one in exchanges if one.status < 400 and not isinstance(one.body, bytes)]


@pytest.fixture
def ours(emulator: RunningEmulator, control: EmulatorControl) -> list[tuple[str, Any]]:
    """A session in v3.2, the version of nearly all recordings."""
    api = Api(emulator, "v3.2")
    with api.session:
        exchanges = drive(api, control)
    return _answers(exchanges)


@pytest.fixture(scope="module")
def recorded() -> list[tuple[str, Any]]:
    return _recorded("training-v3.2-2020-02")


def test_recordings_are_of_nearly_every_operation(recorded: list[tuple[str, Any]]) -> None:
    assert len({operation for operation, _ in recorded}) >= 30


def test_every_recorded_key_is_in_our_answers(ours: list[tuple[str, Any]], recorded: list[tuple[str, Any]]) -> None:
    theirs, emulated = _shapes(recorded), _shapes(ours)
    missing = [(one, path) for one, paths in theirs.items() for path in paths if path not in emulated[one]]
    assert missing == []


def test_our_answers_have_no_key_that_was_never_recorded(
    ours: list[tuple[str, Any]], recorded: list[tuple[str, Any]]
) -> None:
    """`metadata` came with v3.3; tags, regions and boxes stand for other contents of the same rows."""
    theirs, emulated = _shapes(recorded), _shapes(ours)
    content = re.compile(
        r"\.(metadata|tags|regions|boundingBox|continuation|exportableTo|duplicated)\b|\.images\[\]\.image\b"
    )
    extra = [
        (one, path)
        for one, paths in theirs.items()
        for path in emulated[one]
        if path not in paths and not content.search(path)
    ]
    assert not extra, extra


def test_recorded_and_our_values_have_the_same_forms(
    ours: list[tuple[str, Any]], recorded: list[tuple[str, Any]]
) -> None:
    theirs, emulated = _shapes(recorded), _shapes(ours)
    differing = {
        f"{one} {path}": (sorted(forms), sorted(emulated[one][path]))
        for one, paths in theirs.items()
        for path, forms in paths.items()
        if forms.isdisjoint(emulated[one].get(path, set())) and not path.endswith(".sourceUrl")  # an echo
    }
    assert differing == {}


def test_dates_have_the_recorded_zone_everywhere(ours: list[tuple[str, Any]], recorded: list[tuple[str, Any]]) -> None:
    theirs, emulated = _shapes(recorded), _shapes(ours)
    for operation, paths in theirs.items():
        for path, forms in paths.items():
            dates = {form for form in forms if form.startswith("date")}
            assert {form for form in emulated[operation][path] if form.startswith("date")} <= (dates or set()), path


def test_only_the_keys_that_real_rows_leave_out_are_left_out(ours: list[tuple[str, Any]]) -> None:
    """Within one operation, all rows at one place have the same keys but for the optional ones."""
    rows: dict[tuple[str, str], list[set[str]]] = defaultdict(list)

    def walk(operation: str, value: Any, path: str) -> None:
        if isinstance(value, dict) and not path.endswith((".metadata", "suggested/count")):
            rows[operation, path].append(set(value))
            for key, one in value.items():
                walk(operation, one, f"{path}.{key}")
        elif isinstance(value, list):
            for one in value:
                walk(operation, one, path + "[]")

    for operation, body in ours:
        walk(operation, body, "")
    for place, keys in rows.items():
        if place[0] != "QuerySuggestedImageCount":
            assert set().union(*keys) - keys[0].intersection(*keys) <= OPTIONAL, place


def test_optional_keys_are_absent_and_never_null_or_empty(ours: list[tuple[str, Any]]) -> None:
    for _, body in ours:
        for row in body if isinstance(body, list) else [body]:
            if isinstance(row, dict) and "originalImageUri" in row:
                assert all(row[key] for key in OPTIONAL & set(row))


def test_newer_recordings_have_the_keys_of_newer_answers(emulator: RunningEmulator, control: EmulatorControl) -> None:
    api = Api(emulator, "v3.4-preview")
    with api.session:
        exchanges = drive(api, control)
    ours = _shapes(_answers(exchanges))
    theirs = _shapes(_recorded("training-v3.3-v3.4-excerpts"))
    assert theirs
    missing = [(one, path) for one, paths in theirs.items() for path in paths if path not in ours[one]]
    assert [one for one in missing if not re.search(r"metadata\.", one[1])] == []
