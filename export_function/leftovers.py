"""
What earlier deliveries of a unit have left in the package.

A unit is delivered again when something of it could not be had. What the delivery before has copied stands already: it
is taken where the picture cannot be had any more, and removed where the unit does not list it. A package holds no file
that its manifest does not name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator

from export_function.account import ACCOUNT_FILE, KEYS_FILE
from export_function.plan import ACCOUNT, DERIVED, IMAGES, ITERATION, ITERATION_IMAGES, PREDICTIONS, PROJECT
from export_function.unit_work import UnitWork
from shared.domain.record import RequestRecord
from shared.domain.work import WorkUnit
from shared.packages import PackageStore, package_prefix, project_path
from shared.ports import WrittenFile
from shared.services import Services

HEAD = 64
"""Bytes that are enough to tell a picture's type."""

_OF_AN_ITERATION = ("iteration.json", "tags.json", "performance.json", "exports.json", "image_performances/", "models/")
_OWN_FILES = {
    PROJECT: ("project.json", "tags.json", "iterations.json"),
    DERIVED: ("coco.json", "images.csv", "tags.csv"),
}


def leftover_picture(packages: PackageStore, path: str, request_id: str) -> tuple[str, WrittenFile, bytes] | None:
    """
    Read the one picture of a package whose path begins so: its path, size and digests, and its first bytes.

    None if there is none, or several. Memory: one chunk.
    """
    prefix = package_prefix(request_id)
    names = [entry.name for entry in packages.blobs.entries(prefix + path)]
    if len(names) != 1:
        return None
    md5, sha256, size, head = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0, b""
    try:
        for chunk in packages.blobs.read_stream(names[0]):
            md5.update(chunk)
            sha256.update(chunk)
            size, head = size + len(chunk), (head + chunk[:HEAD])[:HEAD]
    except KeyError:
        return None
    return names[0].removeprefix(prefix), WrittenFile(size=size, md5=md5.hexdigest(), sha256=sha256.hexdigest()), head


def remove_pictures(work: UnitWork, store: str, ids: Iterable[str]) -> None:
    """Remove the pictures of items that the unit does not list."""
    _remove(work.services.packages, work.request_id, _pictures(work.project_id, store, ids))


def remove_unit(services: Services, record: RequestRecord, unit: WorkUnit) -> None:
    """Remove what deliveries of a unit have written that is given up."""
    if unit.kind == PROJECT and record.round > 1:
        return  # the files of the round before stand, and are listed
    _remove(services.packages, record.subject_request_id, _places(unit))


def remove_unlisted(packages: PackageStore, request_id: str, project_id: str, listed: Collection[str]) -> None:
    """
    Remove what tries of units have written of a project's own data and its iterations, and no outcome lists.

    To be called when every unit has its outcome. `listed`: the paths of all that is, pictures aside.
    """
    prefix = package_prefix(request_id)
    places = [project_path(project_id, name) for names in _OWN_FILES.values() for name in names]
    places.append(project_path(project_id, "iterations/"))
    found = (entry.name for place in places for entry in packages.blobs.entries(prefix + place))
    packages.blobs.delete_all([name for name in found if name.removeprefix(prefix) not in listed])


def _places(unit: WorkUnit) -> Iterator[str]:
    """Give the paths of a unit's files, or what they begin with."""
    if unit.kind == ACCOUNT:
        yield from (ACCOUNT_FILE, KEYS_FILE)
    elif unit.kind in _OWN_FILES:
        yield from (project_path(unit.project_id or "", name) for name in _OWN_FILES[unit.kind])
    elif unit.kind == ITERATION:
        folder = f"iterations/{unit.details['iteration_id']}/"
        yield from (project_path(unit.project_id or "", folder + name) for name in _OF_AN_ITERATION)
    elif unit.kind in (IMAGES, ITERATION_IMAGES, PREDICTIONS):
        yield from _of_items(unit)


def _of_items(unit: WorkUnit) -> Iterator[str]:
    store = PREDICTIONS if unit.kind == PREDICTIONS else IMAGES
    folder = f"iterations/{unit.details['iteration_id']}/{store}" if unit.kind == ITERATION_IMAGES else store
    yield project_path(unit.project_id or "", f"{folder}/{unit.number:05d}.jsonl")
    ids = unit.details["with_bytes"] if unit.kind == ITERATION_IMAGES else unit.item_ids
    yield from _pictures(unit.project_id or "", store, ids)


def _pictures(project_id: str, store: str, ids: Iterable[str]) -> Iterator[str]:
    return (project_path(project_id, f"{store}/files/{item}.") for item in ids)


def _remove(packages: PackageStore, request_id: str, places: Iterable[str]) -> None:
    prefix = package_prefix(request_id)
    packages.blobs.delete_all(entry.name for place in places for entry in packages.blobs.entries(prefix + place))
