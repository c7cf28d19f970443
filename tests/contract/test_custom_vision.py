"""The client against the emulator of the service: every operation, and what the service does to those who ask."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator
from shared.adapters.call_budget import SharedCallBudget, UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import Timeouts, make_session
from shared.adapters.picture_source import HttpPictureSource
from shared.domain.errors import (
    AccessDenied,
    OutcomeUnknown,
    ResourceAbsent,
    ServiceRefusal,
    ServiceUnavailable,
    SourceRefusal,
    StateConflict,
    Throttled,
)
from shared.ports import CustomVision, Order
from tests.fakes import InMemoryBlobStore, SettableClock

ABSENT = "99999999-9999-4999-8999-999999999999"


@pytest.fixture
def control(control: EmulatorControl) -> EmulatorControl:
    control.switch(tie_order="stable")  # what a moving order does to pages is for the inventory to mend
    return control


@pytest.fixture
def client(emulator: RunningEmulator) -> Iterator[CustomVision]:
    with make_session(4) as session:
        yield CustomVisionClient(
            emulator.url,
            key=emulator.key,
            credential=None,
            session=session,
            budget=UnlimitedBudget(),
            clock=SettableClock(),
            sleep=lambda _: None,
            timeouts=Timeouts(connect=2, read=5),
        )


@pytest.fixture
def seeded(control: EmulatorControl) -> dict[str, Any]:
    return control.seed(
        "Portraits",
        images=300,
        tags=["Anna", "Ben"],
        untagged_every=10,
        metadata={"subject": ["s-1", "s-2", "s-3"]},
        iterations=2,
        publish="live",
        predictions=70,
    )


def all_images(client: CustomVision, project: str, iteration: str | None = None) -> set[str]:
    return {image.id for page in client.image_pages(project, iteration_id=iteration) for image in page}


def test_projects_tags_and_iterations_are_read(client: CustomVision, seeded: dict[str, Any]) -> None:
    (project,) = client.get_projects()
    assert (project.id, project.name) == (seeded["project"], "Portraits")
    assert client.get_project(project.id).row["id"] == project.id
    assert {tag.name: tag.id for tag in client.get_tags(project.id)} == seeded["tags"]
    iterations = client.get_iterations(project.id)
    assert {iteration.id for iteration in iterations} == set(seeded["iterations"])
    assert client.get_iteration(project.id, seeded["iterations"][-1]).publish_name == "live"
    in_iteration = client.get_tags(project.id, iteration_id=seeded["iterations"][0])
    assert {tag.name for tag in in_iteration} == {"Anna", "Ben"}


@pytest.mark.parametrize("order", ["Oldest", "Newest"])
def test_images_are_paged_and_counted_in_workspace_and_iteration(
    client: CustomVision, seeded: dict[str, Any], order: Order
) -> None:
    project, (first, _) = seeded["project"], seeded["iterations"]
    for iteration in (None, first):
        pages = list(client.image_pages(project, iteration_id=iteration, order=order))
        assert [len(page) for page in pages][:-1] == [256]
        assert {image.id for page in pages for image in page} == set(seeded["images"])
        assert client.get_image_count(project, iteration_id=iteration) == 300
    assert {image.metadata["subject"] for page in pages for image in page} == {"s-1", "s-2", "s-3"}


def test_images_by_ids_leave_unknown_ones_out(client: CustomVision, seeded: dict[str, Any]) -> None:
    project, images = seeded["project"], seeded["images"]
    found = client.get_images_by_ids(project, [*images, ABSENT])
    assert {image.id for image in found} == set(images)
    in_iteration = client.get_images_by_ids(project, images[:3], iteration_id=seeded["iterations"][0])
    assert {image.id for image in in_iteration} == set(images[:3])


def test_performance_and_exports_are_read(client: CustomVision, seeded: dict[str, Any]) -> None:
    project, iteration = seeded["project"], seeded["iterations"][0]
    assert "perTagPerformance" in client.get_iteration_performance(project, iteration)
    rows = [row for page in client.image_performance_pages(project, iteration) for row in page]
    assert len({row["id"] for row in rows}) == client.get_image_performance_count(project, iteration) > 0
    assert client.get_exports(project, iteration) == []


@pytest.mark.parametrize("end", ["null", "empty"])
def test_predictions_are_read_page_by_page_to_either_end(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any], end: str
) -> None:
    control.switch(prediction_end=end)
    seen: list[str] = []
    page = client.query_predictions(seeded["project"])
    seen += [one.id for one in page.predictions]
    while page.next_token:
        page = client.query_predictions(seeded["project"], token=page.next_token)
        seen += [one.id for one in page.predictions]
    assert len(seen) == len(set(seen)) == 70


def test_deletes_from_the_workspace_leave_the_iterations_alone(client: CustomVision, seeded: dict[str, Any]) -> None:
    project, gone = seeded["project"], seeded["images"][:5]
    (answer,) = client.delete_images(project, gone, all_iterations=False)
    assert not answer.accepted_only
    assert answer.request_id
    assert all_images(client, project) == set(seeded["images"]) - set(gone)
    assert all_images(client, project, seeded["iterations"][0]) == set(seeded["images"])


def test_deletes_everywhere_are_accepted_and_true_later(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any]
) -> None:
    project, gone = seeded["project"], seeded["images"][:260]
    control.switch(delete_delay_seconds=600.0)
    answers = client.delete_images(project, gone, all_iterations=True)
    assert [answer.accepted_only for answer in answers] == [True, True]
    assert client.get_image_count(project) == 300
    control.advance(601)
    for scope in (None, *seeded["iterations"]):
        assert all_images(client, project, scope) == set(seeded["images"]) - set(gone)


def test_everything_is_deleted_everywhere(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any]
) -> None:
    assert client.delete_all_images(seeded["project"]).accepted_only
    control.advance(60)
    for scope in (None, *seeded["iterations"]):
        assert client.get_image_count(seeded["project"], iteration_id=scope) == 0


def test_predictions_are_deleted_by_id(client: CustomVision, seeded: dict[str, Any]) -> None:
    assert len(client.delete_predictions(seeded["project"], seeded["predictions"])) == 2
    assert client.query_predictions(seeded["project"]).predictions == []


def test_a_project_goes_once_nothing_of_it_is_published(client: CustomVision, seeded: dict[str, Any]) -> None:
    project, published = seeded["project"], seeded["iterations"][-1]
    with pytest.raises(StateConflict) as of_project:
        client.delete_project(project)
    with pytest.raises(StateConflict) as of_iteration:
        client.delete_iteration(project, published)
    assert {of_project.value.code, of_iteration.value.code} == {"BadRequestIterationIsPublished"}
    client.unpublish_iteration(project, published)
    client.delete_iteration(project, published)
    client.delete_tag(project, seeded["tags"]["Anna"])
    assert [tag.name for tag in client.get_tags(project)] == ["Ben"]
    client.delete_project(project)
    with pytest.raises(ResourceAbsent):
        client.get_project(project)


def test_a_read_only_project_postpones_changes(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any]
) -> None:
    control.read_only(seeded["project"])
    with pytest.raises(StateConflict) as raised:
        client.delete_images(seeded["project"], seeded["images"][:1], all_iterations=True)
    assert raised.value.code == "ForbiddenDRModeEnabled"
    assert client.get_project(seeded["project"]).read_only


def test_an_iteration_without_performance_is_told_from_an_absent_one(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any]
) -> None:
    control.fault("status", operation="GetIterationPerformance", status=404, code="NotFoundIterationPerformance", nth=1)
    with pytest.raises(ServiceRefusal) as untrained:
        client.get_iteration_performance(seeded["project"], seeded["iterations"][0])
    assert untrained.value.code == "NotFoundIterationPerformance"
    assert not isinstance(untrained.value, ResourceAbsent)
    with pytest.raises(ResourceAbsent):
        client.get_iteration(seeded["project"], ABSENT)


def test_a_wrong_key_is_denied(emulator: RunningEmulator, control: EmulatorControl) -> None:
    with make_session(1) as session:
        client = CustomVisionClient(
            emulator.url, key="wrong", credential=None, session=session, budget=UnlimitedBudget(), clock=SettableClock()
        )
        with pytest.raises(AccessDenied) as raised:
            client.get_projects()
    assert raised.value.status == 401
    assert control.calls()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "reset"}, OutcomeUnknown),
        ({"kind": "truncate", "keep_bytes": 20}, OutcomeUnknown),
        ({"kind": "status", "status": 500}, ServiceUnavailable),
        ({"kind": "status", "status": 503, "shape": "gateway", "retry_after": 40}, ServiceUnavailable),
        ({"kind": "status", "status": 429, "shape": "gateway", "message": "Please retry after 50 seconds."}, Throttled),
    ],
)
def test_faults_that_last_are_given_back_and_those_that_pass_are_not_noticed(
    client: CustomVision,
    control: EmulatorControl,
    seeded: dict[str, Any],
    fault: dict[str, Any],
    expected: type[Exception],
) -> None:
    rule = control.fault(operation="GetImages", **fault)
    with pytest.raises(expected) as raised:
        all_images(client, seeded["project"])
    assert getattr(raised.value, "operation", "") == "GetImages"
    control.clear_faults(rule)
    if not {"retry_after", "message"} & set(fault):
        control.fault(operation="GetImages", first=2, **fault)
    assert len(all_images(client, seeded["project"])) == 300


@pytest.mark.parametrize("kind", ["work_then_reset", "work_then_status"])
def test_a_delete_that_was_done_without_saying_so_is_never_reported_as_not_done(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any], kind: str
) -> None:
    project, (first, last) = seeded["project"], seeded["iterations"]
    control.fault(kind, operation="DeleteIteration", nth=1)
    with pytest.raises((OutcomeUnknown, ResourceAbsent)) as raised:
        client.delete_iteration(project, first)
    # The reset is handed back at once; after the 500 the repetition finds that it is gone.
    assert isinstance(raised.value, OutcomeUnknown if kind == "work_then_reset" else ResourceAbsent)
    assert [iteration.id for iteration in client.get_iterations(project)] == [last]


def test_the_length_that_a_hop_takes_is_found_out(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any]
) -> None:
    control.switch(max_request_line=4096)
    assert len(client.get_images_by_ids(seeded["project"], seeded["images"])) == 300
    assert len(client.delete_images(seeded["project"], seeded["images"], all_iterations=False)) == 5
    assert client.get_image_count(seeded["project"]) == 0


def test_pictures_are_read_through_their_links(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any]
) -> None:
    truth = control.truth()["projects"][0]["workspace"]["images"][0]
    (image,) = client.get_images_by_ids(seeded["project"], [truth["id"]])
    assert image.original_link
    with make_session(1) as session:
        source = HttpPictureSource(session)
        assert source.probe(image.original_link).size == truth["size"]
        with source.stream(image.original_link, expected_size=truth["size"]) as chunks:
            assert hashlib.sha256(b"".join(chunks)).hexdigest() == truth["sha256"]
        control.expire_links()
        with pytest.raises(SourceRefusal, match="link_expired"):
            source.probe(image.original_link)


def test_pictures_behind_a_virtual_network_are_artifacts(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any]
) -> None:
    control.virtual_network("all")
    truth = control.truth()["projects"][0]["workspace"]["images"][0]
    (image,) = client.get_images_by_ids(seeded["project"], [truth["id"]])
    assert image.original_link
    assert image.original_link.startswith("/")
    with client.artifact(seeded["project"], image.original_link) as chunks:
        assert hashlib.sha256(b"".join(chunks)).hexdigest() == truth["sha256"]
    with pytest.raises(ServiceRefusal), client.artifact(seeded["project"], "/i-nothing/i-nothing"):
        pass


def test_a_broken_off_artifact_is_truncated(
    client: CustomVision, control: EmulatorControl, seeded: dict[str, Any]
) -> None:
    control.virtual_network("all")
    control.fault("truncate", operation="GetArtifact", keep_bytes=10)
    (image,) = client.get_images_by_ids(seeded["project"], seeded["images"][:1])
    path = image.original_link or ""
    with client.artifact(seeded["project"], path) as chunks, pytest.raises(SourceRefusal, match="truncated"):
        list(chunks)


def test_the_budget_counts_under_the_resources_host(emulator: RunningEmulator, control: EmulatorControl) -> None:
    blobs, clock = InMemoryBlobStore(), SettableClock()
    with make_session(1) as session:
        client = CustomVisionClient(
            emulator.url,
            key=emulator.key,
            credential=None,
            session=session,
            budget=SharedCallBudget(
                blobs, emulator.url.removeprefix("http://"), calls_per_second=10, clock=clock, sleep=_moves(clock)
            ),
            purpose="erasure",
            clock=clock,
        )
        client.get_projects()
        assert [entry.name for entry in blobs.entries("_budget/")] == [f"_budget/{client.host.replace(':', '_')}.json"]
    assert control.calls()["GetProjects"]


def _moves(clock: SettableClock) -> Any:
    return lambda seconds: clock.advance(seconds + 0.001)
