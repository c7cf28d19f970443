"""One zip of a package: a unit redone whole."""

from __future__ import annotations

from functools import partial

from export_function.unit_work import UnitWork
from export_function.zipping import build_part
from shared.domain.work import UnitOutcome
from shared.file_pages import MANIFEST, listed_rows
from shared.ports import WrittenFile


def export_zip(work: UnitWork) -> UnitOutcome:
    """
    Build a part from what the manifest lists for it, again if the manifest is another one by then.

    A slow second run of the unit, beside which the package was cleaned, must not leave a zip of the old state.
    """
    packages = work.services.packages
    while True:
        before = packages.read(work.request_id, MANIFEST)
        written = _build(work)
        if packages.read(work.request_id, MANIFEST) == before:
            break
    details = {"part": work.unit.details["part"], "bytes": written.size}
    return UnitOutcome(unit_id=work.unit.unit_id, counts={}, details=details)


def _build(work: UnitWork) -> WrittenFile:
    details = work.unit.details
    rows = partial(
        listed_rows, work.services.packages, work.request_id, first=details["first"] or 0, last=details["last"]
    )
    return build_part(work.services.packages, work.request_id, details["part"], rows)
