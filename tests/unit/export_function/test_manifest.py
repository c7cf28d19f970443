"""How an export ends, derived from what its manifest says; and that a manifest names nobody."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_function.manifest import (
    OF_OTHERS,
    asked_for,
    left_out,
    manifest_of,
    not_asked,
    shown_scope,
    status_of,
    stores_of,
)
from tests.unit.domain.bodies import ID, export_body, read_export

WORDS = {"found", "written", "vanished", "failed", "not_available", "service_count"}
STORES = {"account", "projects", "iterations", "performance", "tags", "images", "predictions", "exported_models"}
GAPS = st.sampled_from(["vanished", "link_expired", "not_trained", "not_asked"])


def ending(
    counts: dict[str, dict[str, int]], codes: list[str], *, narrowed: bool = False, stable: bool = True
) -> tuple[str, str | None]:
    gaps = [{"store": "images", "id": None, "code": code, "detail": ""} for code in codes]
    status, reason = status_of(stores_of(counts, {}), gaps, narrowed=narrowed, lists_stable=stable)
    return status.value, reason


COMPLETE = {"images": {"found": 3, "written": 3}}


@pytest.mark.parametrize(
    ("counts", "codes", "narrowed", "stable", "expected"),
    [
        (COMPLETE, [], False, True, ("completed", None)),
        ({}, [], False, True, ("completed", None)),
        ({}, [], True, True, ("completed", "nothing_matched")),
        (COMPLETE, [], True, True, ("completed", None)),
        ({"predictions": {"found": 1, "written": 1}}, [], True, True, ("completed", None)),
        ({"images": {"found": 1}, "predictions": {"found": 1}}, [], True, True, ("completed", None)),
        (COMPLETE, ["vanished"], False, True, ("completed", None)),
        (COMPLETE, ["link_expired", "not_trained", "not_asked"], False, True, ("completed", None)),
        ({"images": {"found": 1, "failed": 1}}, ["copy_refused"], False, True, ("partially_completed", "items_failed")),
        ({"images": {"found": 3, "written": 2, "failed": 1}}, [], False, True, ("partially_completed", "items_failed")),
        (COMPLETE, ["copy_refused"], False, True, ("partially_completed", "items_failed")),
        (COMPLETE, ["refused"], False, True, ("partially_completed", "items_failed")),
        ({"account": {"not_available": 1}}, ["refused"], False, True, ("partially_completed", "not_available")),
        (COMPLETE, ["list_moved"], False, False, ("partially_completed", "inventory_unstable")),
        ({"images": {"failed": 1}}, [], True, False, ("partially_completed", "items_failed")),
    ],
)  # fmt: skip
def test_what_is_missing_decides_how_an_export_ends(
    counts: dict[str, dict[str, int]], codes: list[str], narrowed: bool, stable: bool, expected: tuple[str, str | None]
) -> None:
    assert ending(counts, codes, narrowed=narrowed, stable=stable) == expected


@given(st.lists(GAPS), st.sampled_from(sorted(STORES)), st.sampled_from(["failed", "not_available"]), st.integers(1, 9))
def test_no_gap_hides_a_failure(codes: list[str], store: str, word: str, number: int) -> None:
    assert ending(COMPLETE, codes)[0] == "completed"
    assert ending(COMPLETE | {store: {word: number}}, codes)[0] == "partially_completed"


def test_the_table_has_every_store_and_every_word() -> None:
    table = stores_of({"images": {"found": 2}}, {"images": 2})
    assert table.keys() == STORES
    assert all(words.keys() == WORDS for words in table.values())
    assert (table["images"]["found"], table["images"]["service_count"], table["tags"]["service_count"]) == (2, 2, None)


@pytest.mark.parametrize(
    ("scope", "options", "unasked"),
    [
        ({"projects": "all"}, {"account": True}, set()),
        ({"projects": "all"}, {}, {"account"}),
        ({"projects": "all", "predictions": False}, {"account": True}, {"predictions"}),
        (
            {"projects": "all", "images": {"tags": ["a"]}},
            {},
            {"account", "exported_models", "predictions"},
        ),
    ],
)
def test_what_was_not_asked_for_is_known(scope: dict[str, Any], options: dict[str, Any], unasked: set[str]) -> None:
    assert STORES - asked_for(read_export(export_body(scope, options=options))) == unasked


def test_what_could_not_be_had_counts_as_found() -> None:
    table = stores_of({"images": {"written": 2}, "tags": {"found": 9, "written": 3, "vanished": 1}}, {})
    assert (table["images"]["found"], table["tags"]["found"]) == (2, 9)
    assert stores_of({"tags": {"not_available": 1, "failed": 2}}, {})["tags"]["found"] == 3


def test_stores_that_were_not_asked_for_are_gaps() -> None:
    gaps = not_asked(STORES - {"tags", "account"})
    assert [(gap["store"], gap["id"], gap["code"]) for gap in gaps] == [
        ("account", None, "not_asked"),
        ("tags", None, "not_asked"),
    ]
    assert gaps[0]["detail"] == "the request did not ask for it"


def test_of_one_persons_images_the_others_are_left_out_by_name() -> None:
    request = read_export(export_body({"projects": "all", "images": {"tags": ["a"]}}))
    gaps = left_out(request)
    assert gaps[: -len(OF_OTHERS)] == not_asked(asked_for(request)) != []
    assert {gap["store"]: gap["detail"] for gap in gaps[-len(OF_OTHERS) :]} == OF_OTHERS
    assert {(gap["id"], gap["code"]) for gap in gaps} == {(None, "not_asked")}


def test_of_whole_projects_nothing_of_a_store_is_left_out() -> None:
    request = read_export(export_body())
    assert left_out(request) == not_asked(asked_for(request))


def test_a_manifest_names_no_person() -> None:
    request = read_export(
        export_body(
            {
                "projects": ["project-of-anna"],
                "images": {"ids": [ID], "tags": ["anna", "anna-too"], "metadata": {"of": "anna"}},
                "predictions": {"ids": [ID]},
            }
        )
    )
    manifest = manifest_of(request, request_id=ID, created_time="t", stores={}, gaps=[], files=[])
    assert "anna" not in json.dumps(manifest)
    assert manifest.keys() == {
        "subject_request_id",
        "created_time",
        "api_version",
        "scope",
        "stores",
        "gaps",
        "erased_on_request",
        "files",
    }


def test_a_manifest_holds_what_it_is_given() -> None:
    gap, file = {"store": "images", "code": "vanished"}, {"path": "files/00001.jsonl", "rows": 1}
    stores = stores_of({"images": {"found": 1}}, {})
    request = read_export(export_body())
    manifest = manifest_of(request, request_id=ID, created_time="t", stores=stores, gaps=[gap], files=[file], erased=2)
    assert manifest == {
        "subject_request_id": ID,
        "created_time": "t",
        "api_version": "v3.3",
        "scope": {"projects": "all", "predictions": True},
        "stores": stores,
        "gaps": [gap],
        "erased_on_request": 2,
        "files": [file],
    }
    whole = manifest_of(request, request_id=ID, created_time="t", stores={}, gaps=[], files=[])
    assert whole["erased_on_request"] == 0


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        ({"projects": "all"}, {"projects": "all", "predictions": True}),
        ({"projects": ["a", "b"]}, {"projects": "2 named", "predictions": True}),
        ({"projects": "all", "predictions": False}, {"projects": "all", "predictions": False}),
        ({"projects": "all", "predictions": {"ids": [ID]}}, {"projects": "all", "predictions": {"ids": 1}}),
        (
            {"projects": "all", "images": {"tags": ["a", "b"], "metadata": {"of": "c"}}},
            {"projects": "all", "images": {"tags": 2, "metadata": 1}},
        ),
        ({"projects": "all", "images": {"ids": [ID]}}, {"projects": "all", "images": {"ids": 1}}),
    ],
)
def test_a_scope_is_shown_by_its_numbers(scope: dict[str, Any], shown: dict[str, Any]) -> None:
    assert shown_scope(read_export(export_body(scope))) == shown
