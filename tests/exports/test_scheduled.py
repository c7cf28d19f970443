"""Scheduled exports: one per due time, incremental, each package complete by itself."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from export_function.scheduled import latest_due_time, start_due_export
from request_function import reading
from request_function.retention import remove_expired
from shared.domain.errors import Conflict, Gone
from tests.exports.conftest import MakeWorld
from tests.exports.everything import Album, fill, predict
from tests.exports.test_moving import READING, assert_whole
from tests.exports.world import SUBSCRIPTION, Json, Package, World, resource_id_of, when_asked

type Sound = Callable[[Package], Package]
COMPLETE = ("completed", None)
SCHEDULE = "0 0 3 * * *"
DAY = 86_400.0


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(EXPORT_SCHEDULE=SCHEDULE)
    world.control.switch(sas_seconds=10**8)
    return world


@pytest.fixture
def album(world: World) -> Album:
    return fill(world)


def run(world: World) -> Package:
    """Let the timer come due, and work until its export has ended."""
    process = world.process()
    request_id = start_due_export(process.services, SCHEDULE).subject_request_id
    process.finish(request_id)
    return Package(world, process, request_id)


def next_day(world: World) -> Package:
    """Run a day later, with all that came before forgotten but what is kept; calls and copies are counted anew."""
    world.pass_time(DAY)
    world.control.reset_calls()
    world.taken_over.clear()
    return run(world)


def whole_reads(world: World) -> int:
    return world.control.calls().get("GetBlob", {}).get("200", 0)


def test_the_due_time_names_the_request_whoever_starts_it_and_how_often(world: World, album: Album) -> None:
    hosts = [world.process() for _ in range(4)]
    ids: list[str] = []
    at_once = threading.Barrier(len(hosts))

    def start(number: int) -> None:
        at_once.wait()
        ids.append(start_due_export(hosts[number].services, SCHEDULE).subject_request_id)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(len(hosts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    hosts[0].finish(ids[0])
    assert len(list(hosts[0].services.ledger.index())) == 1
    assert run(world).request_id == ids[0]


def test_after_a_pause_of_many_due_times_it_catches_up_once(world: World, album: Album) -> None:
    first = run(world)
    world.control.add_images(album.project, 1)
    world.pass_time(10 * DAY)
    second, again = run(world), run(world)
    assert first.request_id != second.request_id == again.request_id
    assert len(list(second.process.services.ledger.index())) == 2


def test_nothing_changed_makes_no_package_and_moves_the_expiry(world: World, album: Album) -> None:
    first = run(world)
    for _ in range(2):
        package = next_day(world)
        assert package.ending == COMPLETE
        assert package.status["unchanged_since"] == first.request_id
        assert package.blobs == {}
        assert package.status["counts"] == first.stores
        assert "GetBlob" not in world.control.calls()
        with pytest.raises(Conflict) as refusal:
            reading.package(package.process.services, package.request_id, "1")
        assert refusal.value.extra == {"container": "gdpr-exports", "prefix": f"{first.request_id}/"}
    world.pass_time(29 * DAY)
    remove_expired(package.process.services)
    assert Package(world, first.process, first.request_id).blobs == first.blobs
    world.pass_time(2 * DAY)
    remove_expired(package.process.services)
    assert world.package_blobs() == {}


def test_what_changed_makes_a_whole_package_and_reads_only_that(world: World, album: Album, sound: Sound) -> None:
    first = sound(run(world))
    world.control.add_images(album.project, 2)
    second = sound(next_day(world))
    assert (second.ending, second.gaps, second.status["unchanged_since"]) == (COMPLETE, [], None)
    assert_whole(world, second, album.project)
    assert whole_reads(world) == 2 + len(album.predictions) + 1, "new images, predictions, one model"
    assert len(world.taken_over) == len(album.uploaded)
    for blob in list(first.blobs):
        world.exports.delete(f"{first.request_id}/{blob}")
    sound(Package(world, second.process, second.request_id))
    for content in second.blobs.values():
        assert first.request_id.encode() not in content, "no package points to another"


CHANGES: dict[str, Callable[[World, Album], object]] = {
    "an image": lambda world, album: world.control.add_images(album.project, 1),
    "an image less": lambda world, album: world.control.delete_images(
        album.project, album.images[:1], everywhere=False
    ),
    "a training": lambda world, album: world.train(album.project),
    "a prediction": lambda world, album: predict(world.emulator, album.project, album.iterations[0], 99),
    "a tag": lambda world, album: owner(world, "POST", f"/projects/{album.project}/tags", name="new"),
    "metadata": lambda world, album: owner(
        world, "POST", f"/projects/{album.project}/images/metadata", {"k": "v"}, imageIds=album.images[0]
    ),
    "a setting that only the preview shows": lambda world, album: world.control.storage_integration(
        album.project, notificationQueueUri="https://a.queue.core.windows.net/q?sig=c2VjcmV0"
    ),
    "a name": lambda world, album: owner(world, "PATCH", f"/projects/{album.project}", {"name": "Renamed"}),
    "a model": lambda world, album: owner(
        world, "POST", f"/projects/{album.project}/iterations/{album.iterations[1]}/export", platform="CoreML"
    ),
    "a project": lambda world, album: world.control.seed("Another", 1),
    "a project less": lambda world, album: owner(world, "DELETE", f"/projects/{album.project}"),
}


def owner(world: World, method: str, path: str, body: Json | None = None, **query: str) -> None:
    with world.gallery() as gallery:
        gallery.call(method, path, body, **query)


@pytest.mark.parametrize("change", CHANGES)
def test_every_kind_of_change_is_seen(world: World, album: Album, change: str) -> None:
    run(world)
    CHANGES[change](world, album)
    world.control.advance(10)
    package = next_day(world)
    assert package.ending == COMPLETE
    assert package.status["unchanged_since"] is None
    assert "manifest.json" in package.blobs


def test_an_image_whose_row_changed_has_its_new_row_and_its_old_bytes(world: World, album: Album, sound: Sound) -> None:
    run(world)
    CHANGES["metadata"](world, album)
    package = sound(next_day(world))
    assert package.rows_by_id(f"projects/{album.project}/images")[album.images[0]]["metadata"] == {"k": "v"}
    assert package.pictures(album.project) == album.uploaded


@pytest.mark.parametrize("how", ["removed by hand", "expired", "one file lost", "cut short"])
def test_a_package_before_that_is_not_whole_is_not_relied_on(
    world: World, album: Album, sound: Sound, how: str
) -> None:
    first = run(world)
    prefix = f"{first.request_id}/"
    picture = next(path for path in first.blobs if "/images/files/" in path)
    match how:
        case "removed by hand":
            for path in first.blobs:
                world.exports.delete(prefix + path)
        case "expired":
            world.pass_time(31 * DAY)
        case "one file lost":
            world.exports.delete(prefix + picture)
            world.control.add_images(album.project, 1)
        case "cut short":
            world.exports.put(prefix + picture, b"half")
            world.control.add_images(album.project, 1)
    package = sound(next_day(world))
    assert (package.ending, package.gaps, package.status["unchanged_since"]) == (COMPLETE, [], None)
    assert_whole(world, package, album.project)
    for image, content in album.uploaded.items():
        assert package.pictures(album.project)[image] == content


def test_a_package_that_is_about_to_expire_is_not_called_the_one_that_stands_for_this_run(
    world: World, album: Album, sound: Sound
) -> None:
    """Of a monthly schedule the package before expires in these very minutes: retention may be at it already."""
    first = run(world)
    world.pass_time(29 * DAY - 300)
    package = sound(next_day(world))
    assert (package.ending, package.status["unchanged_since"]) == (COMPLETE, None)
    assert_whole(world, package, album.project)
    world.pass_time(600)
    remove_expired(package.process.services)
    assert Package(world, first.process, first.request_id).blobs == {}
    assert Package(world, package.process, package.request_id).blobs == package.blobs


def test_what_came_while_the_package_before_was_made_is_taken_over_from_it_too(
    world: World, album: Album, sound: Sound
) -> None:
    with when_asked(world, READING, lambda: world.control.add_images(album.project, 3)):
        first = run(world)
    assert len(first.pictures(album.project)) == len(album.uploaded) + 3
    package = sound(next_day(world))
    assert (package.ending, package.gaps, package.status["unchanged_since"]) == (COMPLETE, [], None)
    assert whole_reads(world) == len(album.predictions) + 1, "predictions, one model"
    assert package.pictures(album.project) == first.pictures(album.project)


def test_an_incomplete_package_is_never_taken_for_the_whole(world: World, album: Album) -> None:
    world.control.delete_blob(album.project, album.images[0])
    first = run(world)
    assert first.ending[0] == "partially_completed"
    assert next_day(world).status["unchanged_since"] is None


def test_a_resource_that_lists_no_projects_never_leaves_all_unchanged(make_world: MakeWorld) -> None:
    world = make_world(2, EXPORT_SCHEDULE=SCHEDULE)
    world.control.switch(sas_seconds=10**8)
    fill(world)
    assert run(world).ending == COMPLETE
    world.controls[1].fault("status", operation="GetProjects", status=403)
    package = next_day(world)
    assert (package.ending[0], package.status["unchanged_since"]) == ("partially_completed", None)
    assert package.gaps == [("projects", None, "refused")]


@pytest.mark.parametrize("operation", ["GetProject", "GetTags", "GetIterations", "GetExports", "QueryPredictions"])
def test_what_is_refused_is_named_in_a_scheduled_export_too(world: World, album: Album, operation: str) -> None:
    run(world)
    world.control.fault("status", operation=operation, status=403)
    package = next_day(world)
    assert (package.ending[0], package.status["unchanged_since"]) == ("partially_completed", None)
    assert {code for _, _, code in package.gaps} == {"refused"}
    assert package.pictures(album.project).keys() >= set(album.images)


def test_another_scope_is_another_series(make_world: MakeWorld, world: World, album: Album) -> None:
    run(world)
    other = World(world.emulators, world.session, EXPORT_SCHEDULE=SCHEDULE, EXPORT_SCOPE='{"projects": ["Album"]}')
    other.requests, other.exports, other.queues, other.clock = world.requests, world.exports, world.queues, world.clock
    world.pass_time(DAY)
    assert run(other).status["unchanged_since"] is None


def test_a_scheduled_export_has_accounts_and_no_values_of_keys(make_world: MakeWorld) -> None:
    world = make_world(
        EXPORT_SCHEDULE=SCHEDULE, ALLOW_KEY_EXPORT="true", CUSTOM_VISION_RESOURCE_ID=resource_id_of("vision")
    )
    world.control.seed_account("vision", subscription=resource_id_of("").split("/")[2], serves=True)
    fill(world)
    package = run(world)
    assert package.ending == COMPLETE
    assert "account.json" in package.blobs
    assert "account-keys.json" not in package.blobs
    for path, content in package.blobs.items():
        assert world.emulator.key.encode() not in content, path


def test_an_expired_package_is_gone_and_says_so(world: World, album: Album) -> None:
    package = world.export()
    services = package.process.services
    world.pass_time(31 * DAY)
    with pytest.raises(Gone):
        reading.package(services, package.request_id, "1")
    assert remove_expired(services) == 1
    assert world.package_blobs() == {}
    kept = [content for name, content in world.everything_kept().items() if name.startswith("requests/")]
    assert kept
    for content in kept:
        assert b"Album" not in content
    assert package.process.status(package.request_id)["request_status"] == "completed"


# accounts


ACCOUNT = "vision"


@pytest.fixture
def owned(make_world: MakeWorld) -> World:
    """An installation whose account is exported too."""
    world = make_world(EXPORT_SCHEDULE=SCHEDULE, CUSTOM_VISION_RESOURCE_ID=resource_id_of(ACCOUNT))
    world.control.switch(sas_seconds=10**8)
    world.control.seed_account(ACCOUNT, subscription=SUBSCRIPTION, serves=True)
    fill(world)
    return world


def test_an_account_in_which_nothing_changed_leaves_all_unchanged(owned: World) -> None:
    first = run(owned)
    assert first.ending == COMPLETE
    assert next_day(owned).status["unchanged_since"] == first.request_id


ACCOUNT_CHANGES: dict[str, Callable[[World], object]] = {
    "a tag": lambda world: world.control.change_account(ACCOUNT, tags={"owner": "somebody"}),
    "a property": lambda world: world.control.change_account(ACCOUNT, properties={"publicNetworkAccess": "Disabled"}),
    "the tier": lambda world: world.control.switch(tier="F0"),
    "a deleted account": lambda world: deleted_account(world),
}


def deleted_account(world: World) -> None:
    other = world.control.seed_account("another", subscription=SUBSCRIPTION)
    answer = world.session.delete(
        f"{world.emulator.url}{other}", params={"api-version": "2021-04-30"}, headers={"Authorization": "Bearer any"}
    )
    assert answer.ok, answer.text
    world.control.advance(60)


@pytest.mark.parametrize("change", ACCOUNT_CHANGES)
def test_every_change_of_an_account_is_seen(owned: World, change: str) -> None:
    before = run(owned)
    ACCOUNT_CHANGES[change](owned)
    package = next_day(owned)
    assert (package.ending, package.status["unchanged_since"]) == (COMPLETE, None)
    assert package.blobs["account.json"] != before.blobs["account.json"]


@pytest.mark.parametrize("status", [403, 503])
def test_an_account_that_cannot_be_read_is_not_called_unchanged(owned: World, status: int) -> None:
    run(owned)
    owned.control.fault("status", operation="AccountsGet", status=status)
    package = next_day(owned)
    assert (package.ending[0], package.status["unchanged_since"]) == ("partially_completed", None)


# models whose links are dead by the next day


def models_of(package: Package) -> dict[str, bytes]:
    return {path.rpartition("/")[2]: content for path, content in package.blobs.items() if "/models/" in path}


def test_a_model_whose_link_is_dead_is_taken_over_from_the_package_before(
    world: World, album: Album, sound: Sound
) -> None:
    first = run(world)
    world.control.bad_links([album.iterations[0]], "expired")
    for _ in range(2):
        world.control.add_images(album.project, 1)
        package = sound(next_day(world))
        assert (package.ending, package.gaps) == (COMPLETE, [])
        assert package.counts("exported_models") == {"found": 1, "written": 1}
        assert models_of(package) == models_of(first) != {}
        (row,) = [row for path, row in package.listed.items() if "/models/" in path]
        assert row["operation"] == "copy of the package before"


def test_a_model_is_found_again_though_others_have_come_before_it(world: World, album: Album) -> None:
    first = run(world)
    CHANGES["a model"](world, album)
    owner(world, "POST", f"/projects/{album.project}/iterations/{album.iterations[0]}/export", platform="CoreML")
    world.control.advance(10)
    world.control.bad_links([album.iterations[0]], "expired")
    package = next_day(world)
    taken = {name: content for name, content in models_of(package).items() if "onnx" in name}
    assert list(taken.values()) == list(models_of(first).values())
    assert list(taken) != list(models_of(first)), "it stands in another place of the list now"
    assert package.gaps == [("exported_models", album.iterations[0], "link_expired")], "the other was never had"


@pytest.mark.parametrize("how", ["lost", "another iteration"])
def test_a_model_that_the_package_before_does_not_hold_is_named(world: World, album: Album, how: str) -> None:
    first = run(world)
    world.control.bad_links(album.iterations, "expired")
    if how == "lost":
        for path in first.blobs:
            if "/models/" in path:
                world.exports.delete(f"{first.request_id}/{path}")
        lost = album.iterations[:1]
    else:
        owner(world, "DELETE", f"/projects/{album.project}/iterations/{album.iterations[0]}")
        CHANGES["a model"](world, album)
        lost = album.iterations[1:]
    world.control.add_images(album.project, 1)
    world.control.advance(10)
    package = next_day(world)
    assert (package.ending, package.gaps) == (COMPLETE, [("exported_models", lost[0], "link_expired")])
    assert models_of(package) == {}


def test_a_day_of_the_schedule_is_the_latest_tick() -> None:
    now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert latest_due_time(SCHEDULE, now) == now.replace(hour=3)
    assert latest_due_time(SCHEDULE, now.replace(hour=3)) == now.replace(hour=3)
    assert latest_due_time(SCHEDULE, now.replace(hour=2)) == now.replace(hour=3) - timedelta(days=1)
