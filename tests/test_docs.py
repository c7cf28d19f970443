"""The documentation is complete and its links lead somewhere: settings, routes, commands, words of the contract."""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from azure.functions.decorators.http import HttpTrigger
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from delete_function.result import NAMED_FAILURES, NOT_ATTEMPTED
from request_function.openapi_words import REASONS, RESIDUALS
from shared.domain.errors import OutcomeUnknown, ServiceUnavailable, StorageUnavailable, Throttled
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.settings import Settings
from tests.functions.conftest import app_of

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT.parent / "shared" / "CONTRACT.md"
README = ROOT / "README.md"
SETTINGS = [
    "CUSTOM_VISION_ENDPOINT",
    "CUSTOM_VISION_TRAINING_KEY",
    "CUSTOM_VISION_RESOURCE_ID",
    "ARM_ENDPOINT",
    "CUSTOM_VISION_CALLS_PER_SECOND",
    "AzureWebJobsStorage",
    "DATA_STORAGE",
    "REQUESTS_CONTAINER",
    "EXPORTS_CONTAINER",
    "EXPORT_SCHEDULE",
    "EXPORT_SCOPE",
    "EXPORT_RETENTION_DAYS",
    "PACKAGE_LINK_MINUTES",
    "COPY_CONCURRENCY",
    "ERASURE_REQUIRES_APPROVAL",
    "APPROVAL_EXPIRES_DAYS",
    "TRUST_PLATFORM_IDENTITY",
    "ERASURE_VERIFY_INTERVAL_SECONDS",
    "ERASURE_VERIFY_DEADLINE_HOURS",
    "WATCHDOG_AFTER_SECONDS",
    "WATCHDOG_SCHEDULE",
    "ALLOW_ACCOUNT_DELETION",
    "ALLOW_KEY_EXPORT",
    "LEDGER_HASH_KEY",
    "RECEIPT_SIGNING_KEY",
    "RECEIPT_RETIRED_KEYS",
    "LOCAL_HOST_LEASE_SECONDS",
    "LOCAL_HOST_KEYS",
]
EXAMPLE = ROOT / "local.settings.json.example"


def pages() -> list[Path]:
    return [README, *sorted((ROOT / "docs").glob("*.md"))]


@cache
def text() -> str:
    return "\n".join(page.read_text() for page in pages())


def test_there_is_a_readme_and_documentation() -> None:
    assert len(pages()) > 3
    assert all(page.read_text().startswith("# ") for page in pages())


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_explained(name: str) -> None:
    assert re.search(rf"^.*`{name}`.*\w{{3}}.*$", text(), re.MULTILINE)


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract is not beside this checkout")
def test_no_setting_of_the_contract_is_forgotten_here() -> None:
    table = CONTRACT.read_text().split("## Settings")[1].split("\n\nNumbers")[0]
    named = {name for row in table.splitlines()[3:] for name in re.findall(r"`([A-Za-z_]{8,})`", row.split("|")[1])}
    assert named == set(SETTINGS)


def test_the_example_has_every_setting_and_no_secret() -> None:
    values: dict[str, str] = json.loads(EXAMPLE.read_text())["Values"]
    assert set(SETTINGS) <= values.keys()
    secret = re.compile(r"(KEY|KEYS|Storage|STORAGE|ENDPOINT|_ID)$")
    assert {name for name, value in values.items() if secret.search(name) and value} == set()
    assert not re.search(r"AccountKey|sig=|BEGIN [A-Z ]*PRIVATE", EXAMPLE.read_text())


def test_what_the_example_sets_is_the_default() -> None:
    values: dict[str, str] = json.loads(EXAMPLE.read_text())["Values"]
    endpoint = {"CUSTOM_VISION_ENDPOINT": "https://one.example"}
    assert Settings.read({**values, **endpoint}) == Settings.read(endpoint)


def routes() -> Iterator[tuple[str, str]]:
    for function in app_of({}).functions.values():
        trigger = function.get_trigger()
        found: dict[str, Any] = trigger.get_dict_repr() if trigger else {}
        for method in found.get("methods", ()):
            yield str(getattr(method, "value", method)), str(found["route"])


@pytest.mark.parametrize(("method", "route"), sorted(set(routes())))
def test_every_route_is_explained(method: str, route: str) -> None:
    path = re.escape(f"/api/{route}").replace(r"\{request_id\}", r"(\{\w+\}|\$\w+|<\w+>)")
    assert re.search(rf"{method}\W+([^\n|]*\W)?{path}(?![\w/])", text())


def functions_with_a_route() -> list[str]:
    return sorted(name for name, one in app_of({}).functions.items() if isinstance(one.get_trigger(), HttpTrigger))


@pytest.mark.parametrize("name", functions_with_a_route())
def test_what_a_stolen_key_can_do_is_told_of_every_route(name: str) -> None:
    table = (ROOT / "docs/security.md").read_text().split("### A stolen function key")[1].split("\n## ")[0]
    assert re.search(rf"^\| [^|]*`{name}`[^|]* \| .*\w+.* \|$", table, re.MULTILINE)


@pytest.mark.parametrize("status", list(RequestStatus))
def test_every_status_is_explained(status: RequestStatus) -> None:
    assert f"`{status.value}`" in text()


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_explained(reason: str) -> None:
    assert f"\n| `{reason}` |" in (ROOT / "docs/troubleshooting.md").read_text()


@pytest.mark.parametrize("code", RESIDUALS)
def test_everything_that_may_remain_is_explained(code: str) -> None:
    assert f"\n| `{code}` |" in (ROOT / "docs/erasure.md").read_text()


TRANSIENT = {error.code for error in (Throttled, ServiceUnavailable, OutcomeUnknown, StorageUnavailable)}


@pytest.mark.parametrize("code", sorted({NOT_ATTEMPTED, *NAMED_FAILURES, *TRANSIENT}))
def test_every_code_of_a_failure_is_explained(code: str) -> None:
    table = (ROOT / "docs/troubleshooting.md").read_text().split("\n## Failure codes\n")[1].split("\n## ")[0]
    assert re.search(rf"^\| [^|]*`{code}`", table, re.MULTILINE)


def targets() -> list[str]:
    return re.findall(r"^([a-z][a-z-]*):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_there_are_targets() -> None:
    assert {"run", "start", "azurite", "emulator", "host", "test", "lint", "bench", "clean"} <= set(targets())


@pytest.mark.parametrize("target", targets())
def test_every_make_target_is_in_the_readme(target: str) -> None:
    assert f"make {target}" in README.read_text()


def test_no_command_is_documented_that_is_not_there() -> None:
    named = set(re.findall(r"`make ([a-z][a-z-]*)", text())) | set(re.findall(r"^make ([a-z][a-z-]*)", text(), re.M))
    assert named <= {*targets(), "help"}


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, by GitHub's rule."""
    body = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", body, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def own_links(page: Path) -> list[str]:
    """Give the links of a page that lead into this project."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    return [target for target in targets if not target.startswith(("http://", "https://", "mailto:"))]


def test_the_readme_leads_to_every_page() -> None:
    assert {f"docs/{page.name}" for page in pages()[1:]} <= {target.partition("#")[0] for target in own_links(README)}


@pytest.mark.parametrize("page", [page for page in pages() if own_links(page)], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in own_links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_project_speaks_of_itself_only(page: Path) -> None:
    foreign = r"/home/(?!you)|\.\./shared|DESIGN\.md|CONTRACT\.md"
    assert not re.search(foreign, page.read_text())


@pytest.mark.parametrize("name", ["docs/erasure.md", "docs/architecture.md"])
def test_what_the_code_refers_to_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def pinned(file: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", (ROOT / file).read_text(), re.MULTILINE))


def brought_along() -> set[str]:
    """Give the packages that the deployed ones need, and these in turn, on this machine."""
    found, left = set[str](), pinned("requirements.txt")
    while left:
        wanted = [Requirement(line) for name in left for line in requires(name) or ()]
        names: set[str] = {
            canonicalize_name(one.name) for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})
        }
        left = names - found
        found |= names
    return found - pinned("requirements.txt")


def test_every_package_that_is_installed_on_purpose_is_explained() -> None:
    page = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row)}
    assert pinned("requirements.txt") | pinned("requirements-dev.txt") <= explained


def test_every_package_that_comes_along_is_named() -> None:
    (line,) = re.findall(r"^They bring along: (.*)\.$", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    assert {canonicalize_name(name) for name in re.findall(r"`([^`]+)`", line)} == brought_along()


def test_a_record_names_no_field_that_could_hold_a_person() -> None:
    assert not {"name", "tag", "tags", "metadata", "link", "key"} & RequestRecord.__dataclass_fields__.keys()
