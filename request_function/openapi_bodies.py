"""What callers send, as JSON Schema: exactly what `shared.domain.validation` accepts, case by case."""

from __future__ import annotations

import re
from collections.abc import Mapping

from request_function.approval import MAX_REASON
from request_function.openapi_schema import GUID_ANY_CASE, Schema, a_list, closed_object, described, one_of, ref, text
from request_function.openapi_words import ACTIONS, EXPORT_TYPES, REGULATIONS
from shared.domain.fields import MAX_TEXT
from shared.domain.validation import MAX_LIST

_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
_DAY = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"^({_YEAR}-{_DAY}|{_LEAP}-02-29)[Tt ]{_CLOCK}:[0-5][0-9](\.[0-9]{{1,9}})?([Zz]|[+-]{_CLOCK})$"
"""Days that exist, in the forms of RFC 3339: `format: date-time` is left to each reader, and they differ."""
_FLAG: Schema = {"type": "boolean"}
_TRUE: Schema = {"const": True}
_FLAGS = ("dry_run", "require_approval", "export_first", "delete_tags")


def bodies() -> dict[str, Schema]:
    """Give the schemas of everything that is posted, by name."""
    return {
        "RequestId": text(GUID_ANY_CASE, minLength=36, maxLength=36),
        "Texts": a_list(text(minLength=1, maxLength=MAX_TEXT), minItems=1, maxItems=MAX_LIST),
        "Ids": a_list(ref("RequestId"), minItems=1, maxItems=MAX_LIST),
        "Projects": {"anyOf": [{"const": "all"}, ref("Texts")], "description": "All, or ids and exact names."},
        "ImageSelector": _image_selector(),
        "PredictionIds": closed_object({"ids": ref("Ids")}),
        "ExportRequest": _export_request(),
        "ErasureRequest": _erasure_request(),
        "Approval": _approval(),
    }


def _image_selector() -> Schema:
    metadata: Schema = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"minLength": 1},
        "additionalProperties": {"type": "string"},
    }
    members = {"ids": ref("Ids"), "tags": ref("Texts"), "metadata": metadata}
    return {
        **closed_object({}, members),
        "minProperties": 1,
        "description": "One person's images: any of the ids, any of the tags, or all pairs of the metadata.",
    }


def _export_request() -> Schema:
    account: dict[str, Schema] = {"account": _FLAG, "include_keys": _FLAG}
    no_account: dict[str, Schema] = {name: {"const": False} for name in account}
    by_images = closed_object(
        {"projects": ref("Projects"), "images": ref("ImageSelector")}, {"predictions": ref("PredictionIds")}
    )
    by_predictions = closed_object({"projects": ref("Projects"), "predictions": ref("PredictionIds")})
    return {
        "anyOf": [
            _export(closed_object({"projects": ref("Projects")}, {"predictions": _FLAG}), account),
            _export({"anyOf": [by_images, by_predictions]}, no_account),
        ],
        "description": "An export of everything, or of one person's items.",
    }


def _export(scope: Schema, further_options: Mapping[str, Schema]) -> Schema:
    options = {
        "package": one_of(("zip", "none")),
        "formats": a_list(one_of(("coco", "csv"))),
        "checksums": one_of(("service", "sha256")),
        **further_options,
    }
    return _request(EXPORT_TYPES, {"scope": scope}, {"options": closed_object({}, options)})


def _erasure_request() -> Schema:
    by_images = _items_scope({"images": ref("ImageSelector")}, {"predictions": ref("PredictionIds")})
    by_predictions = _items_scope({"predictions": ref("PredictionIds")}, {})
    trained = {"trained_iterations": one_of(ACTIONS)}
    return {
        "anyOf": [
            _erasure(by_images, _options(trained)),
            _request(("erasure",), {"scope": by_predictions}, {"options": _options({}, trained)}),
            _erasure(_whole_scope("projects", {}), _options({"confirm": _confirmed_projects()})),
            _erasure(
                _whole_scope("account", {"account": text(_arm_id())}),
                _options({"confirm": closed_object({"account": text(minLength=1)})}),
            ),
        ],
        "description": "An erasure at level items (of images, or of predictions alone), projects or account.",
    }


def _items_scope(required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    return closed_object({"level": {"const": "items"}, "projects": ref("Projects"), **required}, optional)


def _whole_scope(level: str, required: Mapping[str, Schema]) -> Schema:
    return closed_object({"level": {"const": level}, "projects": ref("Projects"), **required}, {"predictions": _TRUE})


def _options(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    usual: dict[str, Schema] = dict.fromkeys(_FLAGS, _FLAG)
    usual["keep_exports"] = a_list(ref("RequestId"), maxItems=MAX_LIST)
    return closed_object(required, {**usual, **(optional or {})})


def _confirmed_projects() -> Schema:
    hosts = {"resources": ref("Texts")}
    by_name, all_of_them = (
        closed_object({"projects": ref("Texts")}, hosts),
        closed_object({"all_projects": _TRUE}, hosts),
    )
    return {"anyOf": [by_name, all_of_them]}


def _erasure(scope: Schema, options: Schema) -> Schema:
    return _request(("erasure",), {"scope": scope, "options": options}, {})


def _request(types: tuple[str, ...], required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    usual = {
        "subject_request_id": ref("RequestId"),
        "subject_request_type": one_of(types),
        "regulation": one_of(REGULATIONS),
        "submitted_time": described(text(_TIME, maxLength=35), "An RFC 3339 time."),
        "requested_by": _opaque_id(),
    }
    return closed_object(required, {**usual, **optional})


def _opaque_id() -> Schema:
    return text("^[A-Za-z0-9-]{1,64}$", minLength=1, maxLength=64)


def _approval() -> Schema:
    required = {"decision": one_of(("approve", "reject")), "plan_hash": text(minLength=1, maxLength=100)}
    return closed_object(required, {"approver": _opaque_id(), "reason": text(minLength=1, maxLength=MAX_REASON)})


def _arm_id() -> str:
    """Give the pattern of an account's ARM id: its words in any case, for which JSON Schema has no flag."""
    group, name = r"[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]", "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
    groups, provider = _any_case("/resourceGroups/"), _any_case("/providers/Microsoft.CognitiveServices/accounts/")
    return f"^{_any_case('/subscriptions/')}{GUID_ANY_CASE[1:-1]}{groups}{group}{provider}{name}/*$"


def _any_case(words: str) -> str:
    return "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else re.escape(c) for c in words)
