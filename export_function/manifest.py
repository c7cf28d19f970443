"""The manifest of a package and what its counts mean for the request. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from export_function.unit_work import gap
from shared.domain.subject_request import ImageSelector, RequestStatus, SubjectRequest
from shared.domain.work import Counts

API_VERSION = "v3.3"
WORDS = ("found", "written", "vanished", "failed", "not_available")
STORES = ("account", "projects", "iterations", "performance", "tags", "images", "predictions", "exported_models")
OF_OTHERS = {
    "tags": "tags that no selected image carries",
    "performance": "precision and recall of iterations, and rows of other images",
}
"""What an export of one person's images leaves out of stores that it holds something of."""

WHOLE_STORE = "the request did not ask for it"
"""Detail of the gap of a store of which nothing was asked for."""

HARMLESS = frozenset({"vanished", "link_expired", "not_trained", "not_asked", "list_moved"})


def asked_for(request: SubjectRequest) -> frozenset[str]:
    """Say which stores a request wants in its package."""
    if request.narrowed:
        wanted = {"projects", "iterations"}
        if request.images is not None:
            wanted |= {"tags", "images", "performance"}
    else:
        wanted = set(STORES) - {"account", "predictions"}
        if request.options["account"]:
            wanted.add("account")
    return frozenset(wanted | ({"predictions"} if request.wants_predictions else set()))


def not_asked(asked: Iterable[str]) -> list[dict[str, Any]]:
    """Give the gaps of the stores that the request did not ask for."""
    asked = frozenset(asked)
    return [gap(store, None, "not_asked", WHOLE_STORE) for store in STORES if store not in asked]


def left_out(request: SubjectRequest) -> list[dict[str, Any]]:
    """Give the gaps of all that a request did not ask for: whole stores, and of an export of one person the others."""
    stores = not_asked(asked_for(request))
    if request.images is None:
        return stores
    return [*stores, *(gap(store, None, "not_asked", detail) for store, detail in OF_OTHERS.items())]


def stores_of(counts: Counts, service_counts: Mapping[str, int | None]) -> dict[str, dict[str, Any]]:
    """
    Give the manifest's table: every store, every word; `service_count` is null where the service counts nothing.

    What could not be had without its number being known (a refused list) counts as found, so that the words add up.
    """
    return {store: _words(counts.get(store, {})) | {"service_count": service_counts.get(store)} for store in STORES}


def _words(counts: Mapping[str, int]) -> dict[str, Any]:
    words = {word: counts.get(word, 0) for word in WORDS}
    return words | {"found": max(words["found"], sum(words[word] for word in WORDS[1:]))}


def status_of(
    stores: Mapping[str, Mapping[str, Any]], gaps: Sequence[Mapping[str, Any]], *, narrowed: bool, lists_stable: bool
) -> tuple[RequestStatus, str | None]:
    """
    Derive how an export ends from what its manifest says.

    Anything failed or not available that was asked for makes it `partially_completed`, and so does a list that never
    stood still (`lists_stable` false); a person without any item ends `completed: nothing_matched`.
    """
    codes = {entry["code"] for entry in gaps} - HARMLESS
    failed = any(words["failed"] for words in stores.values())
    missing = any(words["not_available"] for words in stores.values())
    if failed or (codes and not missing):
        return RequestStatus.PARTIALLY_COMPLETED, "items_failed"
    if missing:
        return RequestStatus.PARTIALLY_COMPLETED, "not_available"
    if not lists_stable:
        return RequestStatus.PARTIALLY_COMPLETED, "inventory_unstable"
    if narrowed and stores["images"]["found"] + stores["predictions"]["found"] == 0:
        return RequestStatus.COMPLETED, "nothing_matched"
    return RequestStatus.COMPLETED, None


def shown_scope(request: SubjectRequest) -> dict[str, Any]:
    """Give the scope without values of a data subject: "all" stays, names and selectors become their numbers."""
    projects = request.scope["projects"]
    shown: dict[str, Any] = {"projects": "all" if projects == "all" else f"{len(projects)} named"}
    if request.images is not None:
        shown["images"] = _numbers(request.images)
    if "predictions" in request.scope:
        predictions = request.scope["predictions"]
        shown["predictions"] = predictions if isinstance(predictions, bool) else {"ids": len(predictions["ids"])}
    return shown


def _numbers(selector: ImageSelector) -> dict[str, int]:
    given = {"ids": selector.known_ids, "tags": selector.tags, "metadata": selector.metadata}
    return {kind: len(values) for kind, values in given.items() if values}


def manifest_of(
    request: SubjectRequest,
    *,
    request_id: str,
    created_time: str,
    stores: Mapping[str, Mapping[str, Any]],
    gaps: Sequence[Mapping[str, Any]],
    files: Sequence[Mapping[str, Any]],
    erased: int = 0,
) -> dict[str, Any]:
    """Build the manifest; `files` are the pages that list every file, `erased` the items that erasures took away."""
    return {
        "subject_request_id": request_id,
        "created_time": created_time,
        "api_version": API_VERSION,
        "scope": shown_scope(request),
        "stores": {store: dict(words) for store, words in stores.items()},
        "gaps": [dict(entry) for entry in gaps],
        "erased_on_request": erased,
        "files": [dict(entry) for entry in files],
    }
