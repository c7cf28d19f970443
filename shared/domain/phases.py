"""Which phase a unit belongs to, and which phases consist of units. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.record import RequestRecord
from shared.domain.work import kind_of

DATA = "data"
_EXPORT_PHASE_OF: Mapping[str, str] = {"derived": "derived", "zip": "zip"}
EXPORT_PHASES = frozenset({DATA, *_EXPORT_PHASE_OF.values()})
ERASURE_PHASES = ("unpublish", "predictions", "images", "own_exports", "iterations", "tags", "projects", "account")
"""The phases of an erasure in their order; each is verified before the next begins."""

CHECK = "_check"
"""What is added to an erasure's phase while it is looked at whether it has taken effect."""


def phase_of_kind(kind: str, *, is_export: bool) -> str:
    """Give the phase of a kind of unit: an erasure's kinds have one each, an export's share one."""
    return _EXPORT_PHASE_OF.get(kind, DATA) if is_export else kind


def phase_of_unit(unit_id: str, *, is_export: bool) -> str:
    """Give the phase of a unit."""
    return phase_of_kind(kind_of(unit_id), is_export=is_export)


def has_units(record: RequestRecord) -> bool:
    """Whether the record's present phase is worked through by units."""
    return record.phase in (EXPORT_PHASES if record.is_export else ERASURE_PHASES)


def counted_phase(record: RequestRecord) -> str:
    """Give the phase whose units are shown as progress: the present one, or the one that it looks at."""
    phase = record.phase and record.phase.removesuffix(CHECK)
    if record.is_export:
        return phase if phase in EXPORT_PHASES else DATA
    return phase if phase in ERASURE_PHASES else str(record.notes.get("last_phase", "images"))


def is_counting(record: RequestRecord) -> bool:
    """Whether the present phase's tally is not in the record's counts yet."""
    is_looking = record.phase is not None and record.phase.endswith(CHECK)
    return is_looking or (has_units(record) and record.phase_units > 0)
