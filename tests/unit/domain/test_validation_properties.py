"""What holds of validation whatever is sent."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidRequest
from shared.domain.validation import validate_erasure
from tests.unit.domain.bodies import ID, OTHER_ID, erasure_body, export_body, read_export, resent, whole_body

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([ID, "all", "items", "keep"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["level", "projects", "images", "predictions", "ids", "tags", "metadata", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = [
    "subject_request_id",
    "subject_request_type",
    "regulation",
    "submitted_time",
    "requested_by",
    "scope",
    "options",
]
BODIES = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON)

TEXTS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4)
SELECTORS = st.fixed_dictionaries(
    {},
    optional={
        "ids": st.lists(st.uuids().map(str), min_size=1, max_size=4),
        "tags": TEXTS,
        "metadata": st.dictionaries(st.text(min_size=1, max_size=4), st.text(max_size=4), min_size=1, max_size=3),
    },
).filter(bool)
VALID_EXPORTS = st.builds(
    lambda projects, images: export_body({"projects": projects} | ({"images": images} if images else {})),
    st.just("all") | TEXTS,
    st.none() | SELECTORS,
)
VALID_ERASURES = st.builds(
    lambda projects, images: erasure_body({"projects": projects, "images": images}), st.just("all") | TEXTS, SELECTORS
)


def turned_around(value: Any) -> Any:
    """Give an equal JSON value whose members and list entries come in the opposite order."""
    if isinstance(value, dict):
        return {key: turned_around(value[key]) for key in reversed(value)}
    return [turned_around(item) for item in reversed(value)] if isinstance(value, list) else value


@given(BODIES)
def test_any_json_is_a_request_or_refused(body: object) -> None:
    for read in (read_export, validate_erasure):
        violations: list[object] = [None]
        try:
            read(body)
        except InvalidRequest as refused:
            violations = list(refused.violations)
        assert violations


@given(BODIES)
def test_a_body_is_not_changed_by_reading_it(body: object) -> None:
    before = copy.deepcopy(body)
    for read in (read_export, validate_erasure):
        try:
            read(body)
        except InvalidRequest:
            continue
    assert body == before


@given(VALID_EXPORTS)
def test_an_exports_normal_form_is_its_own_normal_form(body: dict[str, Any]) -> None:
    request = read_export(body)
    assert read_export(resent(request)) == request


@given(VALID_ERASURES)
def test_an_erasures_normal_form_is_its_own_normal_form(body: dict[str, Any]) -> None:
    request = validate_erasure(body)
    assert validate_erasure(resent(request)) == request


@given(VALID_EXPORTS)
def test_equal_exports_in_another_order_are_the_same_request(body: dict[str, Any]) -> None:
    assert read_export(turned_around(body)).comparable() == read_export(body).comparable()


@given(VALID_ERASURES)
def test_equal_erasures_in_another_order_are_the_same_request(body: dict[str, Any]) -> None:
    assert validate_erasure(turned_around(body)).comparable() == validate_erasure(body).comparable()


@pytest.mark.parametrize(
    "body",
    [
        whole_body("projects", confirm={"projects": ["a", "b", "c"]}),
        whole_body("projects", confirm={"all_projects": True, "resources": ["a.example", "b.example"]}),
        whole_body("projects", {"projects": ["a", "b"]}, keep_exports=[ID, OTHER_ID]),
        export_body(options={"formats": ["coco", "csv"]}),
    ],
)
def test_the_order_of_any_list_makes_no_other_request(body: dict[str, Any]) -> None:
    read = validate_erasure if "level" in body["scope"] else read_export
    assert read(turned_around(body)).comparable() == read(body).comparable()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (export_body(), export_body({"projects": ["p"]})),
        (export_body(), export_body(subject_request_type="portability")),
        (export_body(), export_body(regulation="ccpa")),
        (export_body(), export_body(requested_by="someone")),
        (export_body(), export_body(options={"checksums": "sha256"})),
        (export_body(), export_body({"projects": "all", "predictions": False})),
    ],
)
def test_another_wish_is_another_request(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert read_export(one).comparable() != read_export(other).comparable()


def test_defaults_said_aloud_are_the_same_request() -> None:
    said = export_body(
        {"projects": "all", "predictions": True},
        subject_request_type="access",
        regulation="gdpr",
        options={"package": "zip", "formats": ["csv", "coco"], "checksums": "service", "account": False},
    )
    assert read_export(said).comparable() == read_export(export_body()).comparable()


def test_no_violation_repeats_a_value() -> None:
    marked = "anna-of-the-marked-value/@"
    body = {
        "subject_request_id": marked,
        "subject_request_type": marked,
        "regulation": marked,
        "submitted_time": marked,
        "requested_by": marked,
        "scope": {"projects": marked, "images": {"ids": [marked], "metadata": {marked: 1}}, "predictions": marked},
        "options": {"package": marked, "formats": [marked], "account": marked},
    }
    with pytest.raises(InvalidRequest) as refused:
        read_export(body)
    assert len(refused.value.violations) == 12
    assert not any("anna" in part for v in refused.value.violations for part in (v.pointer, v.detail))
    assert "anna" not in str(refused.value)
