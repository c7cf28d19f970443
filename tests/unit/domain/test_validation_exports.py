"""The rules of a request body, for exports: one row each."""

from typing import Any

import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.subject_request import RequestType
from tests.unit.domain.bodies import ID, OTHER_ID, export_body, export_pointers, read_export


def test_the_smallest_export_gets_every_default() -> None:
    request = read_export(export_body())
    assert request.type is RequestType.ACCESS
    assert (request.request_id, request.regulation, request.submitted_time, request.requested_by) == (
        None,
        "gdpr",
        None,
        None,
    )
    assert request.scope == {"projects": "all", "predictions": True}
    assert request.options == {
        "package": "zip",
        "formats": ["coco", "csv"],
        "checksums": "service",
        "account": False,
        "include_keys": False,
    }


@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [
        ("subject_request_id", ID.upper(), ID),
        ("subject_request_id", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"),
        ("subject_request_type", "access", "access"),
        ("subject_request_type", "portability", "portability"),
        ("regulation", "gdpr", "gdpr"),
        ("regulation", "ccpa", "ccpa"),
        ("submitted_time", "2026-11-24T09:00:00Z", "2026-11-24T09:00:00.000Z"),
        ("submitted_time", "2026-11-24T10:00:00.5+01:00", "2026-11-24T09:00:00.500Z"),
        ("requested_by", "a" * 64, "a" * 64),
        ("requested_by", "A-9", "A-9"),
    ],
)
def test_a_field_is_kept_in_its_normal_form(field: str, sent: str, kept: str) -> None:
    assert read_export(export_body(**{field: sent})).to_json()[field] == kept


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("subject_request_id", "not-an-id"),
        ("subject_request_id", ID.replace("-", "")),
        ("subject_request_id", "{" + ID + "}"),
        ("subject_request_id", ID + "\n"),
        ("subject_request_id", 7),
        ("subject_request_id", None),
        ("subject_request_type", "erasure"),
        ("subject_request_type", "Access"),
        ("subject_request_type", None),
        ("regulation", "hipaa"),
        ("regulation", ["gdpr"]),
        ("submitted_time", "2026-11-24"),
        ("submitted_time", "2026-11-24T09:00:00"),
        ("submitted_time", "2026-02-30T09:00:00Z"),
        ("submitted_time", "0001-01-01T00:00:00+14:00"),
        ("submitted_time", 1795510800),
        ("requested_by", ""),
        ("requested_by", "a" * 65),
        ("requested_by", "anna@example.com"),
        ("requested_by", "a b"),
        ("requested_by", 5),
        ("options", []),
        ("options", None),
        ("unknown", 1),
    ],
)
def test_a_bad_field_is_named(field: str, sent: object) -> None:
    assert export_pointers(export_body(**{field: sent})) == [f"/{field}"]


@pytest.mark.parametrize("body", [None, [], "all", 7, True])
def test_a_body_that_is_no_object_is_refused_as_a_whole(body: object) -> None:
    assert export_pointers(body) == [""]


def test_a_scope_is_required_and_one_that_is_not_there_is_not_called_empty() -> None:
    assert export_pointers({}) == ["/scope", "/scope/projects"]


def test_an_empty_scope_is_named() -> None:
    assert export_pointers({"scope": {}}) == ["/scope", "/scope/projects"]


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        ({"projects": "all", "predictions": False}, {"projects": "all", "predictions": False}),
        ({"projects": "all", "predictions": True}, {"projects": "all", "predictions": True}),
        ({"projects": ["Pets"]}, {"projects": ["Pets"], "predictions": True}),
        ({"projects": ["b", "a", "b", ID.upper()]}, {"projects": [ID, "a", "b"], "predictions": True}),
        (
            {"projects": "all", "images": {"ids": [OTHER_ID.upper(), ID, ID]}},
            {"projects": "all", "images": {"ids": [ID, OTHER_ID]}},
        ),
        (
            {"projects": "all", "images": {"tags": ["b", "a", "b"]}},
            {"projects": "all", "images": {"tags": ["a", "b"]}},
        ),
        (
            {"projects": "all", "images": {"metadata": {"b": "", "a": "1"}}},
            {"projects": "all", "images": {"metadata": {"a": "1", "b": ""}}},
        ),
        (
            {"projects": "all", "images": {"tags": ["a"]}, "predictions": {"ids": [ID.upper()]}},
            {"projects": "all", "images": {"tags": ["a"]}, "predictions": {"ids": [ID]}},
        ),
        (
            {"projects": "all", "predictions": {"ids": [OTHER_ID, ID]}},
            {"projects": "all", "predictions": {"ids": [ID, OTHER_ID]}},
        ),
    ],
)
def test_a_scope_is_kept_in_its_normal_form(scope: dict[str, Any], kept: dict[str, Any]) -> None:
    assert read_export(export_body(scope)).scope == kept


@pytest.mark.parametrize(
    ("scope", "pointer"),
    [
        ({"images": {"tags": ["a"]}}, "/scope/projects"),
        ({"projects": "ALL"}, "/scope/projects"),
        ({"projects": []}, "/scope/projects"),
        ({"projects": None}, "/scope/projects"),
        ({"projects": {}}, "/scope/projects"),
        ({"projects": [""]}, "/scope/projects/0"),
        ({"projects": ["a", 1]}, "/scope/projects/1"),
        ({"projects": ["x" * 513]}, "/scope/projects/0"),
        ({"projects": ["p"] * 50_001}, "/scope/projects"),
        ({"projects": "all", "level": "items"}, "/scope/level"),
        ({"projects": "all", "account": "a"}, "/scope/account"),
        ({"projects": "all", "images": {}}, "/scope/images"),
        ({"projects": "all", "images": []}, "/scope/images"),
        ({"projects": "all", "images": None}, "/scope/images"),
        ({"projects": "all", "images": True}, "/scope/images"),
        ({"projects": "all", "images": {"ids": []}}, "/scope/images/ids"),
        ({"projects": "all", "images": {"ids": ID}}, "/scope/images/ids"),
        ({"projects": "all", "images": {"ids": [ID, "x"]}}, "/scope/images/ids/1"),
        ({"projects": "all", "images": {"tags": []}}, "/scope/images/tags"),
        ({"projects": "all", "images": {"tags": [None]}}, "/scope/images/tags/0"),
        ({"projects": "all", "images": {"metadata": {}}}, "/scope/images/metadata"),
        ({"projects": "all", "images": {"metadata": {"k": 1}}}, "/scope/images/metadata"),
        ({"projects": "all", "images": {"metadata": {"": "v"}}}, "/scope/images/metadata"),
        ({"projects": "all", "images": {"metadata": ["k"]}}, "/scope/images/metadata"),
        ({"projects": "all", "images": {"ids": [ID], "names": ["x"]}}, "/scope/images/names"),
        ({"projects": "all", "images": {"tags": ["a"]}, "predictions": True}, "/scope/predictions"),
        ({"projects": "all", "images": {"tags": ["a"]}, "predictions": False}, "/scope/predictions"),
        ({"projects": "all", "predictions": None}, "/scope/predictions"),
        ({"projects": "all", "predictions": []}, "/scope/predictions"),
        ({"projects": "all", "predictions": {"ids": []}}, "/scope/predictions/ids"),
        ({"projects": "all", "predictions": {"ids": ["x"]}}, "/scope/predictions/ids/0"),
    ],
)
def test_a_bad_scope_is_named_where_it_is_bad(scope: dict[str, Any], pointer: str) -> None:
    assert export_pointers(export_body(scope)) == [pointer]


@pytest.mark.parametrize("scope", [{}, {"projects": "all", "predictions": {}}])
def test_an_empty_object_never_means_everything(scope: dict[str, Any]) -> None:
    assert export_pointers(export_body(scope))


@pytest.mark.parametrize(
    ("options", "name", "kept"),
    [
        ({"package": "none"}, "package", "none"),
        ({"package": "zip"}, "package", "zip"),
        ({"formats": ["csv"]}, "formats", ["csv"]),
        ({"formats": ["csv", "coco", "csv"]}, "formats", ["coco", "csv"]),
        ({"formats": []}, "formats", []),
        ({"checksums": "sha256"}, "checksums", "sha256"),
        ({"account": True}, "account", True),
        ({"include_keys": True}, "include_keys", True),
    ],
)
def test_an_option_is_kept(options: dict[str, Any], name: str, kept: object) -> None:
    assert read_export(export_body(options=options)).options[name] == kept


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"package": "tar"}, "/options/package"),
        ({"package": None}, "/options/package"),
        ({"formats": "csv"}, "/options/formats"),
        ({"formats": ["pascal"]}, "/options/formats"),
        ({"formats": [["csv"]]}, "/options/formats"),
        ({"checksums": "md5"}, "/options/checksums"),
        ({"account": "yes"}, "/options/account"),
        ({"include_keys": 1}, "/options/include_keys"),
        ({"dry_run": True}, "/options/dry_run"),
        ({"trained_iterations": "keep"}, "/options/trained_iterations"),
    ],
)
def test_a_bad_option_is_named(options: dict[str, Any], pointer: str) -> None:
    assert export_pointers(export_body(options=options)) == [pointer]


@pytest.mark.parametrize("option", ["account", "include_keys"])
@pytest.mark.parametrize("narrow", [{"images": {"tags": ["a"]}}, {"predictions": {"ids": [ID]}}])
def test_a_narrowed_export_holds_no_account(option: str, narrow: dict[str, Any]) -> None:
    body = export_body({"projects": "all"} | narrow, options={option: True})
    assert export_pointers(body) == [f"/options/{option}"]


@pytest.mark.parametrize(
    ("scope", "has_resource_id", "expected"),
    [
        ({"projects": "all"}, True, True),
        ({"projects": "all"}, False, False),
        ({"projects": ["p"]}, True, False),
        ({"projects": "all", "images": {"tags": ["a"]}}, True, False),
        ({"projects": "all", "predictions": {"ids": [ID]}}, True, False),
    ],
)
def test_the_account_is_the_default_only_with_everything(
    scope: dict[str, Any], has_resource_id: bool, expected: bool
) -> None:
    assert read_export(export_body(scope), account=has_resource_id).options["account"] is expected


@pytest.mark.parametrize("default", ["none", "zip"])
def test_the_form_of_the_package_defaults_to_what_the_way_in_says(default: str) -> None:
    assert read_export(export_body(), package=default).options["package"] == default


def test_all_violations_are_named_at_once() -> None:
    body = {
        "subject_request_id": "x",
        "subject_request_type": "erasure",
        "regulation": "none",
        "submitted_time": "yesterday",
        "requested_by": "anna@example.com",
        "scope": {"images": {"ids": ["x"], "tags": []}, "predictions": True, "level": "items"},
        "options": {"package": "tar", "formats": ["pdf"], "account": True},
        "more": {},
    }
    assert export_pointers(body) == [
        "/more",
        "/options/account",
        "/options/formats",
        "/options/package",
        "/regulation",
        "/requested_by",
        "/scope/images/ids/0",
        "/scope/images/tags",
        "/scope/level",
        "/scope/predictions",
        "/scope/projects",
        "/subject_request_id",
        "/subject_request_type",
        "/submitted_time",
    ]


def test_an_unknown_field_with_slashes_is_escaped_as_a_json_pointer() -> None:
    assert export_pointers(export_body(**{"a/b~c": 1})) == ["/a~1b~0c"]


@pytest.mark.parametrize("name", ["a\x00b", "a\x1bb", "a\u202eb", "a\u2028b", "a\x7fb", "a\x85b"])
def test_an_unknown_field_is_named_without_what_cannot_be_seen(name: str) -> None:
    assert export_pointers(export_body(**{name: 1})) == ["/a\N{REPLACEMENT CHARACTER}b"]


def test_an_unknown_field_is_named_by_its_beginning() -> None:
    assert export_pointers(export_body(**{"a" * 100_000: 1})) == ["/" + "a" * 64]


def test_unknown_fields_are_named_in_the_same_order_every_time() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_export(export_body(**dict.fromkeys("zyxwvutsrq", 1)))
    assert [violation.pointer for violation in refused.value.violations] == [f"/{name}" for name in "qrstuvwxyz"]
