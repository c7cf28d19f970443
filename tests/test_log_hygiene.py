"""An export and an erasure with everything going wrong: no secret and no personal value gets where it may not be."""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.domain.errors import GdprError, RejectedRequest
from tests.unit.in_process import Process, Region, region

OURS = ("shared", "export_function", "delete_function", "request_function")
SUBJECT = "subject-anna-kowalska-1987"
TAG = "tag-of-anna-kowalska"
PROJECT = "project-where-anna-works"
LEDGER_KEY = "planted-ledger-hash-key"
EXPORT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
NARROWED_ID = "1f8fad5b-d9cb-469f-a165-70867728950e"
ERASURE_ID = "2f8fad5b-d9cb-469f-a165-70867728950e"
PERSONAL = (SUBJECT, TAG)
ASKED = {"tags": [TAG], "metadata": {"subject": SUBJECT}}
BODIES: list[dict[str, Any]] = [
    {"subject_request_id": EXPORT_ID, "scope": {"projects": "all"}},
    {"subject_request_id": NARROWED_ID, "scope": {"projects": [PROJECT], "images": ASKED}},
    {
        "subject_request_id": ERASURE_ID,
        "scope": {"level": "items", "projects": [PROJECT], "images": ASKED},
        "options": {"trained_iterations": "keep"},
    },
]


@dataclass
class Witness:
    """Everything that was seen of one run, besides what is kept in the end."""

    log: io.StringIO = field(default_factory=io.StringIO)
    messages: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    ledger: dict[str, set[bytes]] = field(default_factory=dict)
    packages_with_the_person: set[str] = field(default_factory=set)

    def look(self, world: Region) -> None:
        """Note the messages that wait and the blobs that are there now."""
        for queue in ("export-work", "deletion-work", "export-requests", "deletion-requests"):
            for name in (queue, f"{queue}-poison"):
                self.messages += [json.dumps(message) for message in world.queues.waiting(name)]
        for name, content in world.everything_kept().items():
            self.names.add(name)
            if name.startswith("requests/"):
                self.ledger.setdefault(name, set()).add(content)
            elif SUBJECT.encode() in content:
                self.packages_with_the_person.add(name)


@contextmanager
def all_logs(target: io.StringIO) -> Iterator[None]:
    """Capture every record of our loggers, formatted with its traceback, from DEBUG on; and of all others from INFO."""
    handler = logging.StreamHandler(target)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    root = logging.getLogger()
    before = {name: logging.getLogger(name).level for name in ("", *OURS)}
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def plant_faults(world: Region, images: list[str]) -> None:
    """Make the service refuse, break off, throttle, and hand out links that are dead."""
    control = world.control
    control.fault("status", operation="GetImages", nth=1, status=500, message=f"failed on {SUBJECT}")
    control.fault("reset", operation="GetTags", nth=1)
    control.fault("status", operation="GetImagesByIds", nth=2, status=429, retry_after=60)
    control.fault("work_then_status", operation="DeleteImages", nth=1, status=500, message=TAG)
    control.fault("truncate", operation="GetBlob", nth=2)
    control.fault("status", operation="GetIterations", nth=2, status=403, message=f"{SUBJECT} may not")
    control.bad_links(images[:1], "expired")
    control.bad_links(images[1:2], "broken")


@pytest.fixture(scope="module")
def run() -> Iterator[tuple[Region, Witness]]:
    witness = Witness()
    with region(LEDGER_HASH_KEY=LEDGER_KEY) as world, all_logs(witness.log):
        seeded = world.control.seed(
            PROJECT,
            8,
            tags=[TAG, "other"],
            metadata={"subject": [SUBJECT, "someone-else"]},
            iterations=1,
            publish="live",
        )
        plant_faults(world, seeded["images"])
        process = world.process()
        for body in BODIES:
            work(world, process, witness, body)
        witness.look(world)
        yield world, witness


def work(world: Region, process: Process, witness: Witness, body: Mapping[str, Any]) -> None:
    process.post(body)

    def ended() -> bool:
        witness.look(world)
        return process.status(str(body["subject_request_id"]))["completed_time"] is not None

    process.work_until(ended)


def secrets(world: Region) -> list[str]:
    return [world.emulator.key, LEDGER_KEY, "sig=", "SharedAccessSignature", "AccountKey"]


def test_the_run_was_one_with_failures(run: tuple[Region, Witness]) -> None:
    world, witness = run
    hits = {fault["id"]: fault["hits"] for fault in world.control.status()["faults"]}
    assert sum(hits.values()) >= 4, hits
    assert "again in" in witness.log.getvalue()
    assert world.process().status(ERASURE_ID)["counts"]["images"]["deleted"] == 4


def test_the_person_and_the_links_were_really_there(run: tuple[Region, Witness]) -> None:
    _, witness = run
    assert {name.split("/")[1] for name in witness.packages_with_the_person} == {EXPORT_ID, NARROWED_ID}
    selectors = [
        content for name in witness.ledger if name.endswith("/selector.json") for content in witness.ledger[name]
    ]
    assert any(SUBJECT.encode() in content for content in selectors)


def test_when_all_is_done_no_package_holds_the_person(run: tuple[Region, Witness]) -> None:
    world, _ = run
    packages = {name: content for name, content in world.everything_kept().items() if name.startswith("exports/")}
    assert packages
    assert not [name for name, content in packages.items() if SUBJECT.encode() in content]


def test_no_log_line_holds_a_secret_or_a_personal_value(run: tuple[Region, Witness]) -> None:
    world, witness = run
    text = witness.log.getvalue()
    for planted in (*secrets(world), *PERSONAL, PROJECT, "/blobs/", "http://", "https://"):
        assert planted.lower() not in text.lower()


def test_no_message_holds_anything_but_ids_and_counters(run: tuple[Region, Witness]) -> None:
    world, witness = run
    assert witness.messages
    allowed = {"subject_request_id", "attempt", "unit_id", "round", "waits", "poisoned", "resent", "turn"}
    assert all(json.loads(message).keys() <= allowed for message in witness.messages)
    for planted in (*secrets(world), *PERSONAL, PROJECT):
        assert not any(planted in message for message in witness.messages)


def test_no_blob_is_named_after_anything(run: tuple[Region, Witness]) -> None:
    world, witness = run
    assert len(witness.names) > 20
    for planted in (*secrets(world), *PERSONAL, PROJECT, "live"):
        assert not [name for name in witness.names if planted in name]


def test_the_ledger_holds_personal_values_only_where_it_may(run: tuple[Region, Witness]) -> None:
    world, witness = run
    for name, versions in witness.ledger.items():
        content = b"".join(versions)
        assert not [planted for planted in secrets(world) if planted.encode() in content], name
        if not name.endswith(("/selector.json", "/plan.json")):
            assert not [planted for planted in (*PERSONAL, PROJECT) if planted.encode() in content], name


def test_when_all_is_done_the_ledger_holds_no_personal_value_at_all(run: tuple[Region, Witness]) -> None:
    world, _ = run
    left = {name: content for name, content in world.everything_kept().items() if name.startswith("requests/")}
    assert not [name for name in left if name.endswith("/selector.json")]
    for name, content in left.items():
        assert not [planted for planted in (*PERSONAL, PROJECT) if planted.encode() in content], name


def test_no_package_holds_a_link_or_a_key(run: tuple[Region, Witness]) -> None:
    world, _ = run
    kept = {name: content for name, content in world.everything_kept().items() if name.startswith("exports/")}
    assert kept
    for name, content in kept.items():
        for planted in (*secrets(world), "/blobs/", world.emulator.url):
            assert planted.encode() not in content, name


def test_the_manifest_names_no_person(run: tuple[Region, Witness]) -> None:
    world, _ = run
    for request_id in (EXPORT_ID, NARROWED_ID):
        manifest = world.everything_kept()[f"exports/{request_id}/manifest.json"].decode()
        assert not [planted for planted in (*PERSONAL, PROJECT) if planted in manifest]


@pytest.mark.parametrize(
    "body",
    [
        {"scope": {"projects": [PROJECT], "images": {"tags": [TAG], "metadata": {SUBJECT: 1}}, "predictions": SUBJECT}},
        {"scope": {"level": SUBJECT, "projects": "all"}, "requested_by": f"{SUBJECT}@example.com"},
        {"scope": {"projects": SUBJECT}, "subject_request_id": SUBJECT},
    ],
)
def test_no_refusal_repeats_a_personal_value(run: tuple[Region, Witness], body: dict[str, Any]) -> None:
    world, _ = run
    with pytest.raises(RejectedRequest) as refused:
        world.process().post(body)
    told = [str(refused.value), repr(refused.value), *map(str, getattr(refused.value, "violations", ()))]
    assert not [text for text in told for planted in (*PERSONAL, PROJECT) if planted in text]


def test_no_error_of_the_service_repeats_what_it_said(run: tuple[Region, Witness]) -> None:
    world, _ = run
    world.control.fault("status", operation="GetProjects", status=400, code="BadRequest", message=f"{SUBJECT} {TAG}")
    (client,) = world.process().services.vision.values()
    with pytest.raises(GdprError) as refused:
        client.get_projects()
    world.control.clear_faults()
    told = str(refused.value) + repr(refused.value) + repr(vars(refused.value))
    assert not [planted for planted in (*PERSONAL, *secrets(world), world.emulator.url) if planted in told]
