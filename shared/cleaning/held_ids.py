"""
Which items a package may hold: an index of ids per project, read from the package once when its export has ended.

Most erasures are about items that a given package does not hold, and reading all its rows for each of them would be
most of the work. A package only loses items from then on, so what the index does not have the package does not hold.
The index lies beside the plan's pages (`{package}/plan/held-{project_id}`) and goes with them.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.cleaning.places import is_rows, picture_id, row_ids
from shared.cleaning.scrubbing import project_entries
from shared.domain.packed_ids import PackedIds
from shared.packages import PackageStore, checked, project_path
from shared.services import Services
from shared.tombstones import Tombstones


def may_hold(services: Services, package_id: str, project_id: str, tombstones: Tombstones) -> bool:
    """Whether a package of an export that has ended may hold what is taken away of a project."""
    if tombstones.whole or tombstones.tags:  # which tags a package has is not indexed
        return True
    if not tombstones:
        return False
    return any(map(held_ids(services, package_id, project_id).has, tombstones.images | tombstones.predictions))


def held_ids(services: Services, package_id: str, project_id: str) -> PackedIds:
    """Give the ids of images and predictions that the package of an export that has ended held when first asked for."""
    name = f"{checked(package_id)}/plan/held-{checked(project_id)}"
    blob = services.ledger.blobs.read(name)
    if blob is not None:
        return PackedIds(blob.content)
    held = PackedIds.of(_ids(services.packages, package_id, project_id))
    services.ledger.blobs.put(name, held.content, content_type="application/octet-stream")
    return held


def _ids(packages: PackageStore, package_id: str, project_id: str) -> Iterator[str]:
    for path, _ in project_entries(packages, package_id, project_id):
        picture = picture_id(path)
        if picture:
            yield picture[1]
        elif is_rows(path):
            content = packages.read(package_id, project_path(project_id, path)) or b""
            yield from (item for _, item, _ in row_ids(path, content))
