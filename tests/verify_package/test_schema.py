"""The schema in docs/ says what the app writes, and refuses what the contract does not know."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from export_function.manifest import STORES
from local.verify_package.schema import SCHEMA_FILE, manifest_violations, row_violations
from tests.fakes import InMemoryBlobStore
from tests.verify_package.packages import PackageWriter, finished_package

SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


@pytest.fixture
def package() -> PackageWriter:
    return finished_package(InMemoryBlobStore())


def manifest_of(package: PackageWriter) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(package.content("manifest.json"))
    return manifest


def row_of(package: PackageWriter) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(package.content("files/00001.jsonl").splitlines()[0])
    return row


def test_the_schema_is_a_schema_of_2020_12() -> None:
    assert SCHEMA["$schema"].endswith("2020-12/schema")
    Draft202012Validator.check_schema(SCHEMA)


def test_every_store_that_the_app_writes_is_required() -> None:
    assert set(SCHEMA["properties"]["stores"]["required"]) == set(STORES)


def test_a_written_package_fits(package: PackageWriter) -> None:
    assert list(manifest_violations(manifest_of(package))) == []
    assert list(row_violations(row_of(package))) == []


def test_further_fields_are_no_violation(package: PackageWriter) -> None:
    assert list(manifest_violations(manifest_of(package) | {"further": 1})) == []
    assert list(row_violations(row_of(package) | {"further": 1})) == []


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_every_field_of_a_manifest_is_needed(package: PackageWriter, field: str) -> None:
    manifest = manifest_of(package)
    del manifest[field]
    assert list(manifest_violations(manifest))


@pytest.mark.parametrize("field", SCHEMA["$defs"]["file_row"]["required"])
def test_every_field_of_a_row_is_needed(package: PackageWriter, field: str) -> None:
    row = row_of(package)
    del row[field]
    assert list(row_violations(row))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(subject_request_id="ABC"),
        lambda m: m.update(created_time="yesterday"),
        lambda m: m["scope"].update(projects=["a name"]),
        lambda m: m["scope"].update(images={"tags": ["anna"]}),
        lambda m: m["scope"].update(images={"names": 1}),
        lambda m: m["scope"].update(predictions={"ids": ["x"]}),
        lambda m: m["stores"].pop("tags"),
        lambda m: m["stores"].update(others=m["stores"]["tags"]),
        lambda m: m["stores"]["tags"].update(found=-1),
        lambda m: m["stores"]["tags"].update(written=None),
        lambda m: m["stores"]["tags"].pop("service_count"),
        lambda m: m["gaps"].append({"store": "images", "id": None, "code": "lost", "detail": ""}),
        lambda m: m["gaps"].append({"store": "images", "id": None, "code": "gone"}),
        lambda m: m["files"][0].update(path="../files/00001.jsonl"),
        lambda m: m["files"][0].update(sha256="0"),
        lambda m: m["files"][0].update(rows=0),
    ],
)
def test_a_manifest_beside_the_contract_is_refused(
    package: PackageWriter, change: Callable[[dict[str, Any]], object]
) -> None:
    manifest = manifest_of(package)
    change(manifest)
    assert list(manifest_violations(manifest))


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/etc/passwd"},
        {"path": "a/../b"},
        {"path": "a//b"},
        {"path": "A.json"},
        {"path": "c:a"},
        {"path": "a."},
        {"path": "a" * 201},
        {"bytes": -1},
        {"bytes": 1.5},
        {"md5": "AB" * 16},
        {"sha256": "ab"},
        {"sha256": None},
        {"md5": None},
        {"ids": {"image_id": 1}},
        {"time": "2026-11-24"},
        {"zipped": "other.zip"},
    ],
)
def test_a_row_beside_the_contract_is_refused(package: PackageWriter, change: dict[str, Any]) -> None:
    assert list(row_violations(row_of(package) | change))


def test_a_digest_may_be_null_with_a_reason(package: PackageWriter) -> None:
    assert list(row_violations(row_of(package) | {"md5": None, "sha256": None, "why": "not seen"})) == []
