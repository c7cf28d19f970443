"""The rules of a request body, for erasures: one row each."""

from typing import Any

import pytest

from shared.domain.subject_request import RequestType
from shared.domain.validation import validate_erasure, wakes_only
from tests.unit.domain.bodies import ACCOUNT, ID, OTHER_ID, erasure_body, erasure_pointers, whole_body


def test_the_smallest_erasure_of_items_gets_every_default() -> None:
    request = validate_erasure(erasure_body())
    assert request.type is RequestType.ERASURE
    assert request.scope == {"level": "items", "projects": "all", "images": {"tags": ["anna"]}}
    assert request.options == {
        "trained_iterations": "keep",
        "confirm": None,
        "dry_run": False,
        "require_approval": False,
        "export_first": False,
        "delete_tags": False,
        "keep_exports": [],
    }


@pytest.mark.parametrize("level", ["projects", "account"])
def test_the_higher_levels_always_include_predictions(level: str) -> None:
    assert validate_erasure(whole_body(level)).scope["predictions"] is True
    assert validate_erasure(whole_body(level, {"predictions": True})).scope["predictions"] is True


@pytest.mark.parametrize("level", ["projects", "account"])
@pytest.mark.parametrize("predictions", [False, {"ids": [ID]}, None])
def test_the_higher_levels_cannot_leave_predictions_out(level: str, predictions: object) -> None:
    assert set(erasure_pointers(whole_body(level, {"predictions": predictions}))) == {"/scope/predictions"}


@pytest.mark.parametrize("level", ["projects", "account"])
def test_the_higher_levels_forbid_images(level: str) -> None:
    assert erasure_pointers(whole_body(level, {"images": {"tags": ["a"]}})) == ["/scope/images"]


@pytest.mark.parametrize("level", ["everything", "Items", None, 1, ["items"]])
def test_an_unknown_level_is_refused(level: object) -> None:
    assert "/scope/level" in erasure_pointers(erasure_body({"level": level}))


def test_a_level_is_required() -> None:
    body = erasure_body()
    del body["scope"]["level"]
    assert "/scope/level" in erasure_pointers(body)


@pytest.mark.parametrize(
    ("scope", "pointer"),
    [
        ({"projects": []}, "/scope/projects"),
        ({"predictions": True}, "/scope/predictions"),
        ({"predictions": False}, "/scope/predictions"),
        ({"account": ACCOUNT}, "/scope/account"),
        ({"images": {"ids": []}}, "/scope/images/ids"),
        ({"images": {}}, "/scope/images"),
        ({"person": "anna"}, "/scope/person"),
    ],
)
def test_a_bad_scope_of_items_is_named(scope: dict[str, Any], pointer: str) -> None:
    assert erasure_pointers(erasure_body(scope)) == [pointer]


def test_items_need_images_or_predictions() -> None:
    assert erasure_pointers({"scope": {"level": "items", "projects": "all"}}) == ["/scope"]


def test_stored_predictions_alone_are_items_and_need_no_word_about_iterations() -> None:
    request = validate_erasure({"scope": {"level": "items", "projects": "all", "predictions": {"ids": [ID]}}})
    assert request.scope["predictions"] == {"ids": [ID]}


@pytest.mark.parametrize("word", ["keep", "unpublish", "delete"])
def test_what_becomes_of_trained_iterations_is_said(word: str) -> None:
    body = erasure_body(options={"trained_iterations": word})
    assert validate_erasure(body).options["trained_iterations"] == word


@pytest.mark.parametrize("options", [{}, {"trained_iterations": None}, {"trained_iterations": "all"}])
def test_what_becomes_of_trained_iterations_must_be_said(options: dict[str, Any]) -> None:
    assert erasure_pointers(erasure_body(options=options)) == ["/options/trained_iterations"]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"dry_run": "true"}, "/options/dry_run"),
        ({"require_approval": 1}, "/options/require_approval"),
        ({"export_first": None}, "/options/export_first"),
        ({"delete_tags": "no"}, "/options/delete_tags"),
        ({"keep_exports": ID}, "/options/keep_exports"),
        ({"keep_exports": ["x"]}, "/options/keep_exports/0"),
        ({"confirm": {"all_projects": True}}, "/options/confirm"),
        ({"package": "zip"}, "/options/package"),
    ],
)
def test_a_bad_option_of_items_is_named(options: dict[str, Any], pointer: str) -> None:
    assert erasure_pointers(erasure_body(options={"trained_iterations": "keep"} | options)) == [pointer]


@pytest.mark.parametrize("option", ["dry_run", "require_approval", "export_first", "delete_tags"])
def test_an_option_that_is_set_is_kept(option: str) -> None:
    body = erasure_body(options={"trained_iterations": "keep", option: True})
    assert validate_erasure(body).options[option] is True


def test_kept_exports_are_sorted_ids() -> None:
    options = {"trained_iterations": "keep", "keep_exports": [OTHER_ID.upper(), ID]}
    assert validate_erasure(erasure_body(options=options)).options["keep_exports"] == [ID, OTHER_ID]


@pytest.mark.parametrize(
    ("level", "confirm"),
    [
        ("projects", {"projects": ["Pets"]}),
        ("projects", {"all_projects": True}),
        ("projects", {"all_projects": True, "resources": ["a.cognitiveservices.azure.com"]}),
        ("account", {"account": "a"}),
    ],
)
def test_a_confirmation_is_kept(level: str, confirm: dict[str, Any]) -> None:
    assert validate_erasure(whole_body(level, confirm=confirm)).options["confirm"] == confirm


@pytest.mark.parametrize(
    ("level", "confirm", "pointer"),
    [
        ("projects", {}, "/options/confirm"),
        ("projects", None, "/options/confirm"),
        ("projects", {"projects": ["a"], "all_projects": True}, "/options/confirm"),
        ("projects", {"all_projects": False}, "/options/confirm/all_projects"),
        ("projects", {"projects": []}, "/options/confirm/projects"),
        ("projects", {"projects": [1]}, "/options/confirm/projects/0"),
        ("projects", {"all_projects": True, "resources": []}, "/options/confirm/resources"),
        ("projects", {"all_projects": True, "everything": True}, "/options/confirm/everything"),
        ("projects", {"all_projects": True, "account": "a"}, "/options/confirm/account"),
        ("account", {}, "/options/confirm/account"),
        ("account", {"account": "a", "projects": ["a"]}, "/options/confirm/projects"),
        ("account", {"account": "a", "all_projects": True}, "/options/confirm/all_projects"),
        ("account", {"account": "a", "resources": ["a.example"]}, "/options/confirm/resources"),
        ("account", {"account": ""}, "/options/confirm/account"),
        ("account", {"account": 1}, "/options/confirm/account"),
    ],
)
def test_a_bad_confirmation_is_named(level: str, confirm: object, pointer: str) -> None:
    assert pointer in erasure_pointers(whole_body(level, confirm=confirm))


@pytest.mark.parametrize("level", ["projects", "account"])
def test_the_higher_levels_need_a_confirmation_and_no_word_about_iterations(level: str) -> None:
    body = whole_body(level)
    body["options"] = {"trained_iterations": "delete"}
    assert erasure_pointers(body) == ["/options/confirm", "/options/trained_iterations"]


@pytest.mark.parametrize("account", [None, "", "/", 7, "a", "/subscriptions/s", f"{ACCOUNT}/keys", f"{ACCOUNT}?x=1"])
def test_the_level_account_names_one_account(account: object) -> None:
    assert erasure_pointers(whole_body("account", {"account": account})) == ["/scope/account"]


def test_an_account_belongs_to_its_level_only() -> None:
    assert erasure_pointers(whole_body("projects", {"account": ACCOUNT})) == ["/scope/account"]


def test_an_erasure_is_no_export() -> None:
    assert erasure_pointers(erasure_body(subject_request_type="access")) == ["/subject_request_type"]


def test_all_violations_are_named_at_once() -> None:
    body = {
        "subject_request_id": 1,
        "regulation": "",
        "scope": {"level": "items", "projects": [], "predictions": True, "account": "a", "x": 1},
        "options": {"dry_run": 0, "confirm": {}, "y": 2},
    }
    assert erasure_pointers(body) == [
        "/options/confirm",
        "/options/dry_run",
        "/options/y",
        "/regulation",
        "/scope/account",
        "/scope/predictions",
        "/scope/projects",
        "/scope/x",
        "/subject_request_id",
    ]


@pytest.mark.parametrize(
    ("body", "woken"),
    [
        ({"subject_request_id": ID.upper()}, ID),
        ({"subject_request_id": "x"}, None),
        ({"subject_request_id": ID, "scope": {}}, None),
        ({}, None),
        ([ID], None),
    ],
)
def test_a_message_with_an_id_and_nothing_else_only_wakes(body: object, woken: str | None) -> None:
    assert wakes_only(body) == woken
