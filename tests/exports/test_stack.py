"""The complete export over hosts, Azurite and emulators, as somebody outside meets it."""

from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite.accounts import ACCOUNT_KEYS, APP_ACCOUNT, SERVICE_ACCOUNT
from local.azurite.server import Azurite, running_azurite
from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import running_emulator
from local.functions_host.process import HostProcess, running_host
from shared.adapters.http_exchange import make_session
from tests.acceptance.package import Package
from tests.acceptance.stack import ROOT, TRAINING_KEY, Stack, eventually, fast_settings
from tests.exports.everything import Album, fill
from tests.exports.world import SUBSCRIPTION, Json, World, findings, resource_id_of

pytestmark = [pytest.mark.acceptance, pytest.mark.azurite]
ACCOUNTS = ("west-account", "east-account")


@dataclass(frozen=True)
class Site:
    """One installation over two resources, the second in a virtual network, and what was put into each."""

    stack: Stack
    world: World
    albums: list[Album]


@contextmanager
def site(azurite: Azurite, account: str, folder: Path, changes: Mapping[str, str]) -> Iterator[Site]:
    """Start emulators and a host; accounts are read under the identity that the first emulator stands in for."""
    service, own = azurite.connection_string(SERVICE_ACCOUNT), azurite.connection_string(account)
    with ExitStack() as things:
        first = things.enter_context(running_emulator(storage=service, training_key=TRAINING_KEY))
        second = things.enter_context(running_emulator(storage=service, training_key="second-key"))
        http = things.enter_context(make_session(4))
        world = World([first, second], http)
        world.controls[1].virtual_network("all")
        for name in ACCOUNTS:
            world.control.seed_account(name, subscription=SUBSCRIPTION)
        albums = [fill(world, "Same name", number) for number in range(2)]
        settings = fast_settings(
            own,
            first,
            CUSTOM_VISION_ENDPOINT=f"{first.url},{second.url}",
            CUSTOM_VISION_TRAINING_KEY=f"{TRAINING_KEY},second-key",
            CUSTOM_VISION_RESOURCE_ID=",".join(map(resource_id_of, ACCOUNTS)),
            ARM_ENDPOINT=first.url,
            IDENTITY_ENDPOINT=f"{first.url}/msi/token",
            IDENTITY_HEADER="emulator-identity-header",
            **changes,
        )
        blobs = things.enter_context(BlobServiceClient.from_connection_string(own))
        queues = things.enter_context(QueueServiceClient.from_connection_string(own))
        unstarted = HostProcess(ROOT, settings, 0, folder / "host.log", 60)
        stack = Stack(unstarted, first, EmulatorControl(first.url), blobs, queues, settings)
        things.callback(stack.http.close)
        stack.host = things.enter_context(running_host(ROOT, settings, log_path=folder / "host.log"))
        yield Site(stack, world, albums)


@pytest.fixture(scope="module")
def azurite() -> Iterator[Azurite]:
    accounts = {"byhand": ACCOUNT_KEYS[APP_ACCOUNT]}
    with running_azurite(accounts={**ACCOUNT_KEYS, **accounts}) as server:
        yield server


@pytest.fixture(scope="module")
def by_hand(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(azurite, "byhand", tmp_path_factory.mktemp("byhand"), {"PACKAGE_LINK_MINUTES": "7"}) as running:
        yield running


@pytest.fixture(scope="module")
def exported(by_hand: Site) -> str:
    """A finished export of everything, with its zip."""
    request_id = by_hand.stack.post("/api/exports", {"scope": {"projects": "all"}})
    status = by_hand.stack.finished(request_id)
    assert (status["request_status"], status["reason"], status["failures"]) == ("completed", None, [])
    return request_id


def downloaded(stack: Stack, request_id: str, folder: Path) -> Path:
    for name, content in stack.files(stack.packages, f"{request_id}/"):
        path = folder / name.partition("/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def pictures(package: Package, album: Album) -> dict[str, bytes]:
    return {name.partition(".")[0]: content for name, content in package.pictures(album.project).items()}


def test_two_resources_one_of_them_in_a_virtual_network_are_one_package(
    by_hand: Site, exported: str, tmp_path: Path
) -> None:
    package = Package(by_hand.stack, exported)
    for album in by_hand.albums:
        assert pictures(package, album) == album.uploaded
    assert [account["resource_id"] for account in package.json("account.json")] == list(map(resource_id_of, ACCOUNTS))
    stores = package.manifest["stores"]
    written = {store: words["written"] for store, words in stores.items()}
    assert written == {
        "account": 2,
        "projects": 2,
        "iterations": 4,
        "performance": 4,
        "tags": 6,
        "images": 18,
        "predictions": 6,
        "exported_models": 2,
    }
    assert {gap["code"] for gap in package.manifest["gaps"]} == set()
    assert findings(downloaded(by_hand.stack, exported, tmp_path)) == []


def test_bytes_of_links_are_copied_by_the_storage_and_those_of_a_virtual_network_streamed(
    by_hand: Site, exported: str
) -> None:
    package = Package(by_hand.stack, exported)
    for album, is_copied in zip(by_hand.albums, (True, False), strict=True):
        folder = f"projects/{album.project}/images/files/"
        rows = [row for path, row in package.listed.items() if path.startswith(folder)]
        assert len(rows) == 9
        assert all((row["sha256"] is None) is is_copied for row in rows)


def test_the_link_to_a_part_reads_one_file_for_a_while_and_nothing_else(
    by_hand: Site, exported: str, tmp_path: Path
) -> None:
    before = datetime.now(UTC)
    answer = by_hand.stack.call("GET", f"/api/requests/{exported}/package?part=1")
    assert answer.status_code == 302
    link = answer.headers["Location"]
    signed = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    ends = datetime.fromisoformat(signed["se"])
    assert (signed["sp"], signed["sr"]) == ("r", "b")
    assert timedelta(minutes=6) < ends - before <= timedelta(minutes=7, seconds=5)
    content = requests.get(link, timeout=30).content
    (tmp_path / "package-001.zip").write_bytes(content)
    assert findings(tmp_path) == []
    assert requests.put(link, b"x", headers={"x-ms-blob-type": "BlockBlob"}, timeout=30).status_code == 403
    assert requests.delete(link, timeout=30).status_code == 403
    other = link.replace("package-001.zip", "manifest.json")
    assert requests.get(other, timeout=30).status_code == 403


@pytest.mark.parametrize(("part", "status"), [("2", 404), ("0", 404), ("99999999999", 404), ("x", 400), ("-1", 400)])
def test_a_part_that_is_none_is_refused(by_hand: Site, exported: str, part: str, status: int) -> None:
    answer = by_hand.stack.call("GET", f"/api/requests/{exported}/package?part={part}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_keys_and_links_are_in_no_blob_log_or_answer(by_hand: Site, exported: str) -> None:
    texts = [(name, data) for name, data in by_hand.stack.files(by_hand.stack.packages, f"{exported}/")]
    texts += list(by_hand.stack.files(by_hand.stack.ledger, exported))
    for path in ("", "/receipt", "/plan"):
        texts.append((path, by_hand.stack.call("GET", f"/api/requests/{exported}{path}").content))
    texts.append(("log", by_hand.stack.host.log().encode()))
    for name, content in texts:
        for word in (b"sig=", TRAINING_KEY.encode(), b"second-key", b"emulator-identity-header", b"-second-key"):
            assert word not in content, (name, word)


@contextmanager
def scheduled(by_hand: Site, folder: Path, schedule: str) -> Iterator[Stack]:
    """Another host of the same installation with its own schedule, which is another due time of the same exports."""
    settings = {**by_hand.stack.settings, "EXPORT_SCHEDULE": schedule}
    with running_host(ROOT, settings, log_path=folder / f"{schedule.split()[2]}.log") as host:
        yield replace(by_hand.stack, host=host, settings=settings)


def scheduled_runs(stack: Stack) -> dict[str, Json]:
    """The requests that schedules have made, by id, as they are now."""
    made = [one["subject_request_id"] for one in stack.get("/api/requests?limit=200")["requests"]]
    return {one: stack.status(one) for one in made if stack.record(one)["origin"] == "timer"}


def run_of(stack: Stack, before: Container[str]) -> Json:
    """Run the timer's function, and wait for the end of the request that it makes."""
    stack.run_function("scheduled_export")
    new = eventually(lambda: [one for one in scheduled_runs(stack) if one not in before], "a scheduled request")
    return stack.finished(new[0])


def test_hosts_on_one_schedule_make_one_request_and_a_package_only_for_what_changed(
    by_hand: Site, exported: str, tmp_path: Path
) -> None:
    with scheduled(by_hand, tmp_path, "0 0 1 * * *") as one, scheduled(by_hand, tmp_path, "0 0 1 * * *") as other:
        for host in (one, other, one):
            host.run_function("scheduled_export")
        first = run_of(one, ())
        assert list(scheduled_runs(one)) == [first["subject_request_id"]]
    assert (first["request_status"], first["unchanged_since"]) == ("completed", None)
    with scheduled(by_hand, tmp_path, "0 0 2 * * *") as host:
        unchanged = run_of(host, scheduled_runs(host))
        assert unchanged["unchanged_since"] == first["subject_request_id"]
        assert host.names(host.packages, f"{unchanged['subject_request_id']}/") == []
        answer = host.call("GET", f"/api/requests/{unchanged['subject_request_id']}/package?part=1")
        assert (answer.status_code, answer.json()["prefix"]) == (409, f"{first['subject_request_id']}/")
    (new,) = by_hand.world.control.add_images(by_hand.albums[0].project, 1)
    with scheduled(by_hand, tmp_path, "0 0 3 * * *") as host:
        second = run_of(host, scheduled_runs(host))
    package = Package(by_hand.stack, second["subject_request_id"])
    copied = [row for row in package.listed.values() if row["operation"] == "copy of the package before"]
    assert len(copied) == 18
    held = pictures(package, by_hand.albums[0])
    assert held.keys() == {*by_hand.albums[0].uploaded, new}
    assert held.items() >= by_hand.albums[0].uploaded.items()
    assert findings(downloaded(by_hand.stack, second["subject_request_id"], tmp_path / "package")) == []
