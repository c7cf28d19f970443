"""
Which items a package may hold: an index of ids per project, read from the package once when its export has ended.

Most erasures are about items that a given package does not hold, and reading all its rows for each of them would be
most of the work. A package only loses items from then on, so what the index does not have the package does not hold.
The index lies beside the plan's pages (`{package}/plan/held-{project_id}`) and goes with them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from shared.cleaning.places import is_rows, picture_id, row_ids
from shared.cleaning.scrubbing import project_entries
from shared.domain.identifiers import guid
from shared.packages import PackageStore, checked, project_path
from shared.services import Services
from shared.tombstones import Tombstones

ID_BYTES = 8
"""Of each id's 16 bytes; two ids that share them cost one needless look."""


@dataclass(frozen=True)
class HeldIds:
    """Ids of images and predictions, cut to 8 bytes each, in ascending order."""

    content: bytes

    def __len__(self) -> int:
        return len(self.content) // ID_BYTES

    def __getitem__(self, at: int) -> bytes:
        return self.content[at * ID_BYTES : (at + 1) * ID_BYTES]

    def has(self, item_id: str) -> bool:
        """Whether an item may be held; False is certain."""
        wanted = _cut(item_id)
        at = bisect_left(self, wanted)
        return at < len(self) and self[at] == wanted

    def has_any(self, tombstones: Tombstones) -> bool:
        """Whether any item that is taken away may be held."""
        return any(map(self.has, tombstones.images | tombstones.predictions))


def may_hold(services: Services, package_id: str, project_id: str, tombstones: Tombstones) -> bool:
    """Whether a package of an export that has ended may hold what is taken away of a project."""
    if tombstones.whole or tombstones.tags:  # which tags a package has is not indexed
        return True
    return bool(tombstones) and _index(services, package_id, project_id).has_any(tombstones)


def _index(services: Services, package_id: str, project_id: str) -> HeldIds:
    name = f"{checked(package_id)}/plan/held-{checked(project_id)}"
    blob = services.ledger.blobs.read(name)
    if blob is not None:
        return HeldIds(blob.content)
    found = (item for item in _ids(services.packages, package_id, project_id) if guid(item))
    ids = b"".join(sorted(set(map(_cut, found))))
    services.ledger.blobs.put(name, ids, content_type="application/octet-stream")
    return HeldIds(ids)


def _ids(packages: PackageStore, package_id: str, project_id: str) -> Iterator[str]:
    for path, _ in project_entries(packages, package_id, project_id):
        picture = picture_id(path)
        if picture:
            yield picture[1]
        elif is_rows(path):
            content = packages.read(package_id, project_path(project_id, path)) or b""
            yield from (item for _, item, _ in row_ids(path, content))


def _cut(item_id: str) -> bytes:
    return bytes.fromhex(item_id.replace("-", ""))[:ID_BYTES]
