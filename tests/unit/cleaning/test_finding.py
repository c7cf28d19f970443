"""Which packages an erasure cleans, which it waits for, and which it leaves alone."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from export_function.rebuilding import REBUILD
from request_function.retention import remove_expired
from shared import tombstones
from shared.cleaning import finish_open_passes, is_being_rebuilt, remove_unneeded
from shared.cleaning.finding import Exports, survey_exports
from shared.domain.subject_request import RequestStatus
from tests.fakes import StoppingBlobStore, WorldStopped
from tests.unit.cleaning.conftest import EXPORT, World, id_of, record_of

NEVER = 10**9
LATER = timedelta(minutes=6)


def survey(world: World, *, exempt: tuple[str, ...] = (), since_later: timedelta = timedelta()) -> Exports:
    services = world.services
    return survey_exports(services, id_of("anna"), [world.project], exempt, services.now() + since_later)


def another_export(world: World, name: str, **scope: object) -> str:
    body = {"subject_request_id": id_of(name), "scope": {"projects": [world.project], **scope}}
    return world.process.post(body)


def test_a_package_that_holds_the_project_is_found(world: World) -> None:
    assert survey(world) == Exports(packages=[EXPORT])


def test_a_package_of_other_projects_is_not(world: World) -> None:
    other = survey_exports(world.services, id_of("anna"), [id_of("no project")], (), world.services.now())
    assert other == Exports()


def test_an_export_that_has_not_ended_is_waited_for(world: World) -> None:
    running = another_export(world, "second")
    assert survey(world) == Exports(packages=[EXPORT], running=[running])
    world.process.finish(running)
    assert sorted(survey(world).packages) == sorted([running, EXPORT])


def test_an_export_that_is_planned_without_the_project_is_not_waited_for(world: World) -> None:
    body = {"subject_request_id": id_of("birds"), "scope": {"projects": ["Birds"]}}
    running = world.process.post(body)
    world.process.work_until(lambda: world.process.status(running)["request_status"] == "exporting")
    assert survey(world).running == []


def test_an_export_that_began_when_all_was_gone_is_not_waited_for(world: World) -> None:
    world.region.pass_time(600)
    another_export(world, "second")
    assert survey(world, since_later=-LATER).running == []


def test_exempt_packages_are_named_with_their_expiry(world: World) -> None:
    completed = world.services.ledger.read(EXPORT).record.completed_time
    assert completed is not None
    assert survey(world, exempt=(EXPORT,)) == Exports(kept={EXPORT: completed + timedelta(days=30)})
    progress = world.clean(world.erasure("anna", image_ids=world.annas()), exempt=(EXPORT,))
    assert (progress.is_finished, progress.counts["found"]) == (True, 0)
    assert progress.kept.keys() == {EXPORT}
    assert world.package() == world.before


def test_a_package_that_has_expired_does_not_count(world: World) -> None:
    world.region.pass_time(timedelta(days=31).total_seconds())
    assert survey(world) == Exports()


def test_a_cancelled_export_does_not_count(world: World) -> None:
    ledger = world.services.ledger
    current = ledger.read(EXPORT)
    ledger.write(current, replace(current.record, status=RequestStatus.CANCELLED))
    assert survey(world) == Exports()


def test_an_erasure_is_finished_only_when_older_exports_have_ended(world: World) -> None:
    erasure = world.erasure("anna", image_ids=world.annas())
    running = another_export(world, "second", predictions=False)
    progress = world.own_exports(erasure).step({})
    assert (progress.wait, progress.running, progress.is_finished) == (None, [running], False)
    assert progress.counts["deleted"] == 3
    world.process.finish(running)
    progress = world.own_exports(erasure).step(progress.done)
    assert progress.is_finished
    assert progress.done.keys() == {EXPORT, running}
    assert world.own_exports(erasure).still_there() == {}


def test_the_index_of_held_ids_goes_with_the_package(world: World) -> None:
    world.clean(world.erasure("nobody", image_ids=[EXPORT]))
    held = f"{EXPORT}/plan/held-{world.project}"
    assert world.region.requests.read(held) is not None
    world.region.pass_time(timedelta(days=31).total_seconds())
    remove_expired(world.services)
    assert world.region.requests.read(held) is None
    assert world.package() == {}


@pytest.fixture
def abandoned(world: World) -> World:
    """A package in the middle of the cleaning for an erasure that has ended since."""
    erasure = world.erasure("anna", image_ids=world.annas())
    services = world.on(world.region.requests, StoppingBlobStore(world.region.exports, stop_after=4))
    with pytest.raises(WorldStopped):
        world.own_exports(erasure, services=services).step({})
    current = world.services.ledger.read(erasure)
    ended = current.record.evolve(
        world.services.now(), status=RequestStatus.PARTIALLY_COMPLETED, completed_time=world.services.now()
    )
    world.services.ledger.write(current, ended)
    world.region.pass_time(3600)
    return world


def test_a_pass_whose_erasure_has_ended_is_finished_by_the_timer(abandoned: World) -> None:
    assert is_being_rebuilt(abandoned.region.requests, EXPORT)
    assert remove_unneeded(abandoned.services) == 0
    assert finish_open_passes(abandoned.services, REBUILD) == 1
    assert not is_being_rebuilt(abandoned.region.requests, EXPORT)
    assert not [path for path in abandoned.package() if abandoned.annas()[0] in path]
    assert finish_open_passes(abandoned.services, REBUILD) == 0
    assert remove_unneeded(abandoned.services) == 1


def test_a_pass_that_has_begun_is_finished_even_if_its_tombstones_are_withdrawn(
    abandoned: World, tmp_path: Path
) -> None:
    tombstones.keep_only(abandoned.region.requests, id_of("anna"), abandoned.project, tombstones.Tombstones())
    assert finish_open_passes(abandoned.services, REBUILD) == 1
    assert abandoned.findings(tmp_path) == []
    assert not [path for path in abandoned.package() if abandoned.annas()[0] in path]
    assert not list(abandoned.region.requests.entries(f"{EXPORT}/plan/cleaning"))


def test_a_package_that_expires_while_it_is_cleaned_stays_gone(world: World) -> None:
    erasure = world.erasure("anna", image_ids=world.annas())
    services = world.on(world.region.requests, StoppingBlobStore(world.region.exports, stop_after=4))
    with pytest.raises(WorldStopped):
        world.own_exports(erasure, services=services).step({})
    world.region.pass_time(timedelta(days=31).total_seconds())
    remove_expired(world.services)
    assert world.clean(erasure).is_finished
    assert finish_open_passes(world.services, REBUILD) == 0
    assert world.package() == {}


def test_other_erasures_tombstones_of_the_project_are_left_to_them(world: World) -> None:
    erasure = world.erasure("anna", image_ids=world.annas())
    record_of(world.services, id_of("ben"))
    ben = sorted(set(world.seeded["images"]) - set(world.annas()))
    tombstones.write(world.region.requests, id_of("ben"), world.project, image_ids=ben)
    world.clean(erasure)
    assert all(any(item in path for path in world.package()) for item in ben)
