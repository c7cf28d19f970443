"""
Untrusted JSON to a typed request. All violations are found at once; nothing is guessed, nothing silently dropped.

The order of the checks is the order of the contract: form of every field, then what fields demand of each other,
then (`shared.domain.permissions`) what the settings of this installation allow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeIs

from shared.domain.account import AccountId
from shared.domain.errors import InvalidRequest
from shared.domain.fields import (
    Checker,
    choice,
    flag,
    guid_list,
    guid_text,
    opaque_id,
    text_list,
    text_map,
    time_text,
)
from shared.domain.identifiers import guid
from shared.domain.subject_request import RequestType, SubjectRequest

MAX_LIST = 50_000
_TOP = {
    "subject_request_id",
    "subject_request_type",
    "regulation",
    "submitted_time",
    "requested_by",
    "scope",
    "options",
}
_LEVELS = ("items", "projects", "account")
_ERASURE_FLAGS = ("dry_run", "require_approval", "export_first", "delete_tags")


def validate_export(body: object, *, default_package: str, account_by_default: bool) -> SubjectRequest:
    """
    Read the body of an export request.

    `default_package`: what `options.package` is when absent; `account_by_default`: whether the account is exported when
    all projects are asked for. Raises `InvalidRequest` with every violation.
    """
    check = Checker()
    top = _top(check, body, ("access", "portability"), default_type="access")
    scope = _export_scope(check, top)
    options = _export_options(check, top.get("options", {}), scope, default_package, account_by_default)
    return _finish(check, top, scope, options)


def validate_erasure(body: object) -> SubjectRequest:
    """Read the body of an erasure request. Raises `InvalidRequest` with every violation."""
    check = Checker()
    top = _top(check, body, ("erasure",), default_type="erasure")
    scope = _erasure_scope(check, top)
    options = _erasure_options(check, top.get("options", {}), scope)
    return _finish(check, top, scope, options)


def wakes_only(body: object) -> str | None:
    """Give the id if a queue message only wakes a known request: `{"subject_request_id": "..."}` and nothing else."""
    if isinstance(body, dict) and set(body) == {"subject_request_id"}:
        return guid(body["subject_request_id"])
    return None


def _finish(check: Checker, top: Mapping[str, Any], scope: dict[str, Any], options: dict[str, Any]) -> SubjectRequest:
    if check.violations:
        raise InvalidRequest(check.violations)
    return SubjectRequest(
        request_id=top["subject_request_id"],
        type=RequestType(top["subject_request_type"]),
        regulation=top["regulation"],
        submitted_time=top["submitted_time"],
        requested_by=top["requested_by"],
        scope=scope,
        options=options,
    )


def _top(check: Checker, body: object, types: tuple[str, ...], default_type: str) -> dict[str, Any]:
    members = check.an_object("", body, _TOP)
    if not isinstance(body, dict):  # of what is no object nothing can be missing
        raise InvalidRequest(check.violations)
    read: dict[str, Any] = {
        "subject_request_id": check.field(members, "", "subject_request_id", guid_text, None),
        "subject_request_type": check.field(members, "", "subject_request_type", choice(*types), default_type),
        "regulation": check.field(members, "", "regulation", choice("gdpr", "ccpa"), "gdpr"),
        "submitted_time": check.field(members, "", "submitted_time", time_text, None),
        "requested_by": check.field(members, "", "requested_by", opaque_id, None),
    }
    if "scope" not in members:
        check.add("/scope", "is required")
    return read | {key: members[key] for key in ("scope", "options") if key in members}


def _scope_members(check: Checker, top: Mapping[str, Any], *known: str) -> Mapping[str, Any]:
    """Give the members of the scope; one that is not there has been named already, and is not called empty too."""
    return check.an_object("/scope", top.get("scope", {}), {*known}, never_empty="scope" in top)


def _export_scope(check: Checker, top: Mapping[str, Any]) -> dict[str, Any]:
    members = _scope_members(check, top, "projects", "images", "predictions")
    scope = _common_scope(check, members)
    if "predictions" not in scope and "images" not in scope:
        scope["predictions"] = True
    if "images" in scope and isinstance(scope.get("predictions"), bool):
        check.add("/scope/predictions", 'with images only {"ids": [...]} is allowed')
    return scope


def _erasure_scope(check: Checker, top: Mapping[str, Any]) -> dict[str, Any]:
    members = _scope_members(check, top, "level", "projects", "images", "predictions", "account")
    scope = _common_scope(check, members)
    level = check.field(members, "/scope", "level", choice(*_LEVELS), None)
    if "level" not in members:
        check.add("/scope/level", "is required: items, projects or account")
    rule: Callable[[Checker, Mapping[str, Any], dict[str, Any]], None] | None = {
        "items": _items_level,
        "projects": _whole_level,
        "account": _account_level,
    }.get(level or "")
    if rule:
        rule(check, members, scope)
    return scope | {"level": level}


def _items_level(check: Checker, members: Mapping[str, Any], scope: dict[str, Any]) -> None:
    if isinstance(scope.get("predictions"), bool):
        check.add("/scope/predictions", 'at level items only {"ids": [...]} is allowed')
    if "images" not in members and "predictions" not in members:
        check.add("/scope", "level items needs images or predictions.ids")
    _no_account(check, members)


def _whole_level(check: Checker, members: Mapping[str, Any], scope: dict[str, Any]) -> None:
    _no_account(check, members)
    _no_items(check, members, scope)


def _account_level(check: Checker, members: Mapping[str, Any], scope: dict[str, Any]) -> None:
    _no_items(check, members, scope)
    account = members.get("account")
    form = "the ARM id /subscriptions/.../accounts/{name}"
    if "account" not in members:
        check.add("/scope/account", f"is required at level account: {form}")
    elif not isinstance(account, str) or AccountId.parse(account) is None:
        check.add("/scope/account", f"must be {form}")
    scope["account"] = account


def _no_account(check: Checker, members: Mapping[str, Any]) -> None:
    if "account" in members:
        check.add("/scope/account", "is allowed at level account only")


def _no_items(check: Checker, members: Mapping[str, Any], scope: dict[str, Any]) -> None:
    if "images" in members:
        check.add("/scope/images", "is allowed at level items only")
    if members.get("predictions", True) is not True:
        check.add("/scope/predictions", "must be true or absent at this level")
    scope["predictions"] = True


def _common_scope(check: Checker, members: Mapping[str, Any]) -> dict[str, Any]:
    scope: dict[str, Any] = {"projects": _projects(check, members)}
    if "images" in members:
        scope["images"] = _images(check, members["images"])
    if "predictions" in members:
        scope["predictions"] = _predictions(check, members["predictions"])
    return scope


def _projects(check: Checker, members: Mapping[str, Any]) -> Any:  # noqa: ANN401 - "all" or a list
    if "projects" not in members:
        check.add("/scope/projects", 'is required: "all", or a list of project ids or exact names')
        return None
    value = members["projects"]
    if value == "all":
        return "all"
    if not isinstance(value, list):
        check.add("/scope/projects", 'must be "all" or a list of project ids or exact names')
        return None
    names = text_list(check, "/scope/projects", value, limit=MAX_LIST)
    return sorted({guid(name) or name for name in names})


def _images(check: Checker, value: object) -> dict[str, Any]:
    members = check.an_object("/scope/images", value, {"ids", "tags", "metadata"}, never_empty=True)
    selector: dict[str, Any] = {}
    if "ids" in members:
        selector["ids"] = guid_list(check, "/scope/images/ids", members["ids"], limit=MAX_LIST)
    if "tags" in members:
        selector["tags"] = sorted(set(text_list(check, "/scope/images/tags", members["tags"], limit=MAX_LIST)))
    if "metadata" in members:
        selector["metadata"] = text_map(check, "/scope/images/metadata", members["metadata"])
    return selector


def _predictions(check: Checker, value: object) -> Any:  # noqa: ANN401 - a flag or an object
    if isinstance(value, bool):
        return value
    if not isinstance(value, dict):
        check.add("/scope/predictions", 'must be true, false or {"ids": [...]}')
        return None
    members = check.an_object("/scope/predictions", value, {"ids"}, never_empty=True)
    return {"ids": guid_list(check, "/scope/predictions/ids", members.get("ids", []), limit=MAX_LIST)}


def _export_options(
    check: Checker, value: object, scope: Mapping[str, Any], default_package: str, account_by_default: bool
) -> dict[str, Any]:
    names = {"package", "formats", "checksums", "account", "include_keys"}
    members = check.an_object("/options", value, names)
    narrowed = "images" in scope or isinstance(scope.get("predictions"), dict)
    account = account_by_default and scope.get("projects") == "all" and not narrowed
    options = {
        "package": check.field(members, "/options", "package", choice("zip", "none"), default_package),
        "formats": _formats(check, members),
        "checksums": check.field(members, "/options", "checksums", choice("service", "sha256"), "service"),
        "account": check.field(members, "/options", "account", flag, account),
        "include_keys": check.field(members, "/options", "include_keys", flag, False),
    }
    for name in ("account", "include_keys"):
        if narrowed and options[name] is True:
            check.add(f"/options/{name}", "is not possible in an export narrowed to one person's items")
    return options


def _formats(check: Checker, members: Mapping[str, Any]) -> list[str]:
    if "formats" not in members:
        return ["coco", "csv"]
    value = members["formats"]
    if not isinstance(value, list) or any(item not in ("coco", "csv") for item in value):
        check.add("/options/formats", 'must be a list of "coco" and "csv"')
        return []
    return sorted(set(value))


def _erasure_options(check: Checker, value: object, scope: Mapping[str, Any]) -> dict[str, Any]:
    names = {"trained_iterations", "confirm", "keep_exports", *_ERASURE_FLAGS}
    members = check.an_object("/options", value, names)
    options: dict[str, Any] = {name: check.field(members, "/options", name, flag, False) for name in _ERASURE_FLAGS}
    options["keep_exports"] = (
        guid_list(check, "/options/keep_exports", members["keep_exports"], limit=MAX_LIST, may_be_empty=True)
        if "keep_exports" in members
        else []
    )
    _level_options(check, members, scope, options)
    return options


def _level_options(
    check: Checker, members: Mapping[str, Any], scope: Mapping[str, Any], options: dict[str, Any]
) -> None:
    choices = choice("keep", "unpublish", "delete")
    options["trained_iterations"] = check.field(members, "/options", "trained_iterations", choices, None)
    options["confirm"] = _confirmed(members.get("confirm"))
    level = scope.get("level")
    if level == "items" and "images" in scope and "trained_iterations" not in members:
        check.add("/options/trained_iterations", "is required at level items with images: keep, unpublish or delete")
    if level == "items" and "confirm" in members:
        check.add("/options/confirm", "is for the levels projects and account")
    if level in ("projects", "account"):
        _confirm(check, members, level)
        if "trained_iterations" in members:
            check.add("/options/trained_iterations", "is for level items with images")


def _confirmed(value: object) -> object:
    """Sort the lists of a confirmation, as all lists of the normal form are; what is malformed is for `_confirm`."""
    if not isinstance(value, dict):
        return value
    return {name: sorted(set(item)) if _is_text_list(item) else item for name, item in value.items()}


def _is_text_list(value: object) -> TypeIs[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _confirm(check: Checker, members: Mapping[str, Any], level: str) -> None:
    if "confirm" not in members:
        check.add("/options/confirm", f"is required at level {level}")
        return
    known = {"account"} if level == "account" else {"projects", "all_projects", "resources"}
    confirm = check.an_object("/options/confirm", members["confirm"], known)
    if level == "account":
        if not isinstance(confirm.get("account"), str) or not confirm["account"]:
            check.add("/options/confirm/account", "must be the name of the account")
        return
    if confirm.get("all_projects", True) is not True:
        check.add("/options/confirm/all_projects", "must be true where it is given")
    if ("projects" in confirm) == ("all_projects" in confirm):
        check.add("/options/confirm", 'must hold either "projects" (their names) or "all_projects": true')
    for name in ("projects", "resources"):
        if name in confirm:
            text_list(check, f"/options/confirm/{name}", confirm[name], limit=MAX_LIST)
