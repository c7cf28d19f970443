"""Every route: what it takes, and every code that it may answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from request_function.openapi_schema import GUID_ANY_CASE, Schema, described, one_of, ref, text
from request_function.openapi_words import STATUSES, TYPES
from request_function.reading import DEFAULT_LIMIT, MAX_LIMIT

JSON = "application/json"
PROBLEM = "application/problem+json"
ONE = "/api/requests/{request_id}"

type Json = dict[str, Any]

_WHY: Mapping[int, str] = {
    400: "The form is wrong, or the query holds what this route does not read; `errors` names every field at once.",
    401: "The host: no function key, and no body. The app: no sign-in where TRUST_PLATFORM_IDENTITY asks for one.",
    403: "A setting does not allow it, or the person who asked tries to approve.",
    404: "There is no such request, or no such thing of it.",
    406: "The receipt is not signed.",
    409: "The request's present state forbids it, or its id belongs to another request.",
    410: "The package has expired.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not JSON.",
    503: "A setting is missing or malformed, and all of them are named; or the storage account does not answer, or "
    "what it keeps about the request is damaged.",
}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """
    One method of one route.

    `answers`: the good ones by code, as OpenAPI's response objects. `problems`: the codes of the others; 401 and 503
    are added where they belong. `body`: the schema of what is posted.
    """

    method: str
    path: str
    name: str
    summary: str
    answers: Mapping[int, Json]
    problems: tuple[int, ...] = ()
    body: str | None = None
    parameters: tuple[Json, ...] = ()
    anonymous: bool = False

    def to_json(self) -> Json:
        """Write OpenAPI's operation object."""
        own = (413, 415) if self.body else ()
        usual = () if self.anonymous else (400, 401)
        codes = sorted({*self.problems, *own, *usual})
        written: Json = {"operationId": self.name, "summary": self.summary}
        if self.anonymous:
            written["security"] = []
        if "{request_id}" in self.path or self.parameters:
            written["parameters"] = [*([_ID] if "{request_id}" in self.path else []), *self.parameters]
        if self.body:
            written["requestBody"] = {"required": True, "content": {JSON: {"schema": ref(self.body)}}}
        responses = {str(code): answer for code, answer in self.answers.items()}
        written["responses"] = responses | {str(code): _problem(code) for code in codes}
        return written


def _problem(code: int) -> Json:
    headers = _retry_after("Seconds.") if code == 503 else {}
    answer: Json = {"description": _WHY[code], "content": {PROBLEM: {"schema": ref("Problem")}}}
    return {**answer, "headers": headers} if headers else answer


def _answer(description: str, schema: str, headers: Json | None = None, media_type: str = JSON) -> Json:
    answer: Json = {"description": description, "content": {media_type: {"schema": ref(schema)}}}
    return {**answer, "headers": headers} if headers else answer


def _header(schema: Schema, description: str, *, required: bool = True) -> Json:
    return {"schema": schema, "description": description, "required": required}


def _retry_after(description: str, *, required: bool = True) -> Json:
    return {"Retry-After": _header({"type": "integer", "minimum": 1}, description, required=required)}


def _query(name: str, schema: Schema, description: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_ID: Json = {
    "name": "request_id",
    "in": "path",
    "required": True,
    "schema": text(GUID_ANY_CASE, minLength=36, maxLength=36),
    "description": "The id of a request. Anything that is no GUID is unknown: 404.",
}
_ACCEPTED = _answer(
    "Recorded and started, or recorded before.",
    "Accepted",
    {"Location": _header(text("^/api/requests/"), "Where to look."), **_retry_after("Seconds until then.")},
)
_LIST_PARAMETERS = (
    _query("status", one_of(STATUSES), "Only requests with this status."),
    _query("type", one_of(TYPES), "Only requests of this type."),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}, "Page size."),
    _query("continuation", text("^[A-Za-z0-9_-]+={0,2}$"), "What the page before gave, as it was given."),
)
_PART = _query("part", {"type": "integer", "minimum": 1, "default": 1}, "Which zip of the package.")


def paths() -> Json:
    """Give OpenAPI's paths object."""
    found: Json = {}
    for operation in (*_asking(), *_looking(), *_about_one(), *_deciding(), *_about_the_app()):
        found.setdefault(operation.path, {})[operation.method] = operation.to_json()
    return found


def _asking() -> list[Operation]:
    return [
        Operation(
            method="post",
            path=f"/api/{route}",
            name=name,
            summary=f"Ask for an {what}",
            answers={202: _ACCEPTED},
            problems=(403, 409, 503),
            body=body,
        )
        for route, name, what, body in (
            ("exports", "post_export", "export", "ExportRequest"),
            ("erasures", "post_erasure", "erasure", "ErasureRequest"),
        )
    ]


def _looking() -> list[Operation]:
    return [
        Operation(
            method="get",
            path="/api/requests",
            name="list_requests",
            summary="List requests, newest first; a filtered page may be short although more follow",
            answers={200: _answer("One page.", "RequestList")},
            problems=(503,),
            parameters=_LIST_PARAMETERS,
        ),
        Operation(
            method="get",
            path=ONE,
            name="get_request",
            summary="Look at a request",
            answers={
                200: _answer(
                    "The request as it stands.",
                    "Status",
                    _retry_after("Seconds; only while the request has not ended.", required=False),
                )
            },
            problems=(404, 503),
        ),
        Operation(
            method="get",
            path=f"{ONE}/plan",
            name="get_plan",
            summary="Look at what was found, as it was frozen",
            answers={200: _answer("The plan.", "Plan")},
            problems=(404, 409, 503),
        ),
    ]


def _about_one() -> list[Operation]:
    receipt = _answer("The receipt; with `Accept: application/jose` its signed form.", "Receipt")
    receipt["content"]["application/jose"] = {"schema": text(r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$")}
    link = {"Location": _header(text(), "A read-only link that lives PACKAGE_LINK_MINUTES.")}
    return [
        Operation(
            method="get",
            path=f"{ONE}/receipt",
            name="get_receipt",
            summary="Get what a request led to, once it has ended",
            answers={200: receipt},
            problems=(404, 406, 409, 503),
        ),
        Operation(
            method="get",
            path=f"{ONE}/package",
            name="get_package",
            summary="Get a link to a part of an export's package",
            answers={302: {"description": "The part is there.", "headers": link}},
            problems=(404, 409, 410, 503),
            parameters=(_PART,),
        ),
    ]


def _deciding() -> list[Operation]:
    return [
        Operation(
            method="delete",
            path=ONE,
            name="cancel_request",
            summary="Take a request back",
            answers={202: _answer("It is being taken back, or was before.", "Status")},
            problems=(404, 409, 503),
        ),
        Operation(
            method="post",
            path=f"{ONE}/approval",
            name="post_approval",
            summary="Approve or reject the plan of an erasure",
            answers={200: _answer("The request; the same decision again changes nothing.", "Status")},
            problems=(403, 404, 409, 503),
            body="Approval",
        ),
        Operation(
            method="post",
            path=f"{ONE}/retry",
            name="post_retry",
            summary="Ask anew for what remained of a request that failed or is incomplete",
            answers={202: _ACCEPTED},
            problems=(404, 409, 503),
        ),
    ]


def _about_the_app() -> list[Operation]:
    document: Json = {
        "description": "OpenAPI 3.1.",
        "content": {JSON: {"schema": described({"type": "object"}, "This document.")}},
    }
    return [
        Operation(
            method="get",
            path="/api/keys",
            name="get_keys",
            summary="Get the public keys of signed receipts",
            answers={200: _answer("A JWK set (RFC 7517); empty without keys.", "KeySet")},
            problems=(503,),
            anonymous=True,
        ),
        Operation(
            method="get",
            path="/api/health",
            name="get_health",
            summary="Ask whether settings and storage are as they should be",
            answers={200: _answer("All is well.", "Health"), 503: _answer("Something is not.", "Health")},
            anonymous=True,
        ),
        Operation(
            method="get",
            path="/api/openapi.json",
            name="get_openapi",
            summary="Get this document",
            answers={200: document},
            anonymous=True,
        ),
    ]
