"""One zip of a package: a unit redone whole."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from export_function.unit_work import UnitWork
from export_function.zipping import build_part
from shared.domain.work import UnitOutcome
from shared.file_pages import MANIFEST, listed_rows
from shared.packages import package_prefix, part_name


def export_zip(work: UnitWork) -> UnitOutcome:
    """
    Build a part from what the manifest lists for it, again if the manifest is another one by then.

    A slow second run of the unit, beside which the package was cleaned, must not leave a zip of the old state.
    """
    packages = work.services.packages
    while True:
        before = packages.read(work.request_id, MANIFEST)
        size = _build(work, before or b"")
        if packages.read(work.request_id, MANIFEST) == before:
            break
    details = {"part": work.unit.details["part"], "bytes": size}
    return UnitOutcome(unit_id=work.unit.unit_id, counts={}, details=details)


def _build(work: UnitWork, manifest: bytes) -> int:
    """Build the part and give its size; 0 where the manifest lists nothing for it any more, and then it is removed."""
    packages, part = work.services.packages, work.unit.details["part"]
    rows = partial(listed_rows, packages, work.request_id, **_range(work.unit.details, manifest))
    if part > 1 and not any(row["zipped"] == part_name(part) for row in rows()):
        packages.blobs.delete(package_prefix(work.request_id) + part_name(part))
        return 0
    return build_part(packages, work.request_id, part, rows).size


def _range(details: Mapping[str, Any], manifest: bytes) -> dict[str, int]:
    """Give where the part's rows stand in the manifest that it was planned for; in another one they may be anywhere."""
    if sha256(manifest).hexdigest() != details.get("manifest"):
        return {}
    return {"first": details["first"] or 0, "last": details["last"]}
