"""One zip of a package: a unit redone whole."""

from __future__ import annotations

from functools import partial

from export_function.unit_work import UnitWork
from export_function.zipping import build_part
from shared.domain.work import UnitOutcome
from shared.file_pages import listed_rows


def export_zip(work: UnitWork) -> UnitOutcome:
    """Build a part from what the manifest lists for it."""
    details = work.unit.details
    rows = partial(
        listed_rows, work.services.packages, work.request_id, first=details["first"] or 0, last=details["last"]
    )
    written = build_part(work.services.packages, work.request_id, details["part"], rows)
    return UnitOutcome(unit_id=work.unit.unit_id, counts={}, details={"part": details["part"], "bytes": written.size})
