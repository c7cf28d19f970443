"""
Whatever is sent to the running app, by its own document and against it: never an error of ours, always a form.

A few hundred cases as a test; `make fuzz` sends 10,000 (FUZZ_CASES), and every edge of every schema besides.
"""

from typing import Any, cast

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import Case, CheckFunction, GenerationMode, checks
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.core import NOT_SET
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import BaseSchema

from request_function.openapi import document
from shared.domain.identifiers import guid
from tests.fuzz.conftest import KNOWN, Running, assert_harmless, cases

CASES = cases()
WITH_EDGES = CASES >= 10_000
UNKNOWN = "ffffffff-0000-4000-8000-ffffffffffff"

checks.load_all_checks()
ALWAYS = ("status_code", "content_type", "response_headers", "response_schema")


def schema_of(described: dict[str, Any]) -> BaseSchema:
    """Give the generator of cases for a document: those that it allows, and those that it does not."""
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    both = GenerationConfig(modes=modes, allow_extra_parameters=False)  # tests/functions send those
    edges = CoveragePhaseConfig(enabled=WITH_EDGES, unexpected_methods=set())  # methods: the host's own 404
    project = ProjectConfig(generation=both, phases=PhasesConfig(coverage=edges))
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_dict(described, config=config)


schema = schema_of(document())
READS = schema.include(method="GET")
"""First: a page of requests costs a read for each, and there are thousands after the posts."""
POSTS = schema.include(method="POST")


@schema.hook
def map_path_parameters(context: object, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put an id that is known in the place of most of those that could be one."""
    given = path_parameters or {}
    last = str(given.get("request_id", ""))[-1:]
    if guid(given.get("request_id")) is None or not last.isdecimal():
        return path_parameters
    return given | {"request_id": KNOWN[int(last) % len(KNOWN)]}


@READS.parametrize()
@hypothesis.settings(max_examples=CASES // 20, suppress_health_check=list(HealthCheck), deadline=None)
def test_what_is_read_is_answered_as_announced(case: Case[Any], running: Running) -> None:
    answers_as_announced(case, running)


@POSTS.parametrize()
@hypothesis.settings(max_examples=CASES // 6, suppress_health_check=list(HealthCheck), deadline=None)
def test_what_is_posted_is_answered_as_announced(case: Case[Any], running: Running) -> None:
    answers_as_announced(case, running)


def test_taking_back_answers_as_announced(running: Running) -> None:
    for request_id in (*KNOWN, UNKNOWN):
        answers_as_announced(case_of(document(), "DELETE", request_id), running)


def answers_as_announced(case: Case[Any], running: Running) -> None:
    """Send a case and hold the answer against the document."""
    answer = case.call(base_url=running.url, session=running.http, allow_redirects=False, timeout=30)
    running.answered[answer.status_code] += 1
    assert answer.status_code < 500, f"{answer.content.decode()}\n{running.host.log()[-2000:]}"
    names = [f"{name}_conformance" for name in ALWAYS]
    if case.body is not NOT_SET:
        names.append("negative_data_rejection")  # an empty query is none, and no id is unknown by its form alone
    if "continuation" not in (case.query or {}):
        names.append("positive_data_acceptance")  # no document can say what the app gave
    case.validate_response(answer, checks=cast("list[CheckFunction]", checks.CHECKS.get_by_names(names)))
    assert_harmless(answer.status_code, answer.headers["content-type"][0] if answer.content else "", answer.content)


def case_of(described: dict[str, Any], method: str, request_id: str) -> Case[Any]:
    """Give a call of the route of one request."""
    return schema_of(described)["/api/requests/{request_id}"][method].Case(path_parameters={"request_id": request_id})


def test_an_answer_that_is_not_announced_is_noticed(running: Running) -> None:
    answers_as_announced(case_of(document(), "GET", UNKNOWN), running)
    poorer = document()
    del poorer["paths"]["/api/requests/{request_id}"]["get"]["responses"]["404"]
    with pytest.raises(FailureGroup):
        answers_as_announced(case_of(poorer, "GET", UNKNOWN), running)


def test_an_answer_of_another_shape_is_noticed(running: Running) -> None:
    other = document()
    other["components"]["schemas"]["Status"]["properties"]["drift"] = {"type": "string"}
    with pytest.raises(FailureGroup):
        answers_as_announced(case_of(other, "GET", KNOWN[0]), running)
