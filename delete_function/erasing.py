"""
One erasure unit: look once more, delete what still matches, and say what was there before.

Deleting by id alone would leave the pictures in every trained iteration; `allIterations=true` takes them there too
(DeleteImages, Training API v3.3). Its answer 202 says nothing about when, so that it is gone is proven later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from delete_function.plan import IMAGES
from shared.domain.record import RequestRecord
from shared.domain.selection import Verdicts, newest_first
from shared.domain.subject_request import ImageSelector
from shared.domain.work import UnitOutcome, WorkMessage, WorkUnit
from shared.ports import CustomVision
from shared.services import Services


def run_unit(
    services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage, selector: ImageSelector
) -> UnitOutcome:
    """Erase one unit's images; may run twice, and beside itself, and ends in the same state."""
    work = UnitWork(
        services=services,
        request_id=record.subject_request_id,
        unit=unit,
        client=services.resource(unit.resource),
        selector=selector,
    )
    return work.erase() if message.round == 1 else work.erase_again()


@dataclass(frozen=True, kw_only=True)
class UnitWork:
    """One unit with everything that it needs."""

    services: Services
    request_id: str
    unit: WorkUnit
    client: CustomVision
    selector: ImageSelector

    def erase(self) -> UnitOutcome:
        """Do the first round: what matches is noted as present before the first delete, and then deleted."""
        verdicts = self._look(self.unit.item_ids)
        present = self.services.ledger.keep_started(self.request_id, self.unit.unit_id, sorted(verdicts.selected))
        request_ids = self._delete(sorted(verdicts.selected))
        kept = verdicts.rejected | verdicts.conflicting
        words = {
            "deleted": sorted(set(present) - kept),
            "no_longer_matching": sorted(kept),
            "already_absent": sorted(set(self.unit.item_ids) - set(present) - kept),
        }
        return self._outcome(words, request_ids)

    def erase_again(self) -> UnitOutcome:
        """Do a later round: what is there again, and still matches, is deleted again."""
        verdicts = self._look(self.unit.item_ids)
        again = sorted(verdicts.selected)
        return UnitOutcome(
            unit_id=self.unit.unit_id, counts={}, request_ids=self._delete(again), details={"deleted_again": again}
        )

    def _look(self, ids: Sequence[str]) -> Verdicts:
        """Judge the images as they are now; iterations are read only for what the workspace no longer has."""
        project_id = self.unit.project_id or ""
        verdicts = Verdicts(self.selector)
        rows = self.client.get_images_by_ids(project_id, ids)
        verdicts.observe(rows, None)
        missing = sorted(set(ids) - {row.id for row in rows})
        for iteration in newest_first(self.client.get_iterations(project_id)) if missing else ():
            rows = self.client.get_images_by_ids(project_id, missing, iteration_id=iteration.id)
            verdicts.observe(rows, iteration.id)
            missing = sorted(set(missing) - {row.id for row in rows})
            if not missing:
                break
        return verdicts

    def _delete(self, ids: Sequence[str]) -> list[str]:
        if not ids:
            return []
        answers = self.client.delete_images(self.unit.project_id or "", ids, all_iterations=True)
        return [answer.request_id for answer in answers if answer.request_id]

    def _outcome(self, words: dict[str, list[str]], request_ids: list[str]) -> UnitOutcome:
        counts = {word: len(ids) for word, ids in words.items()}
        return UnitOutcome(
            unit_id=self.unit.unit_id, counts={IMAGES: counts}, request_ids=request_ids, details={"ids": words}
        )


def given_up(unit: WorkUnit, started: Sequence[str], code: str, operation: str, status: int | None) -> UnitOutcome:
    """
    Give the outcome of a unit that could not be carried out: every item of it failed, and is named.

    Whether some of it was deleted all the same is for the verification to see.
    """
    failures: list[dict[str, Any]] = [
        {"store": IMAGES, "id": item, "code": code, "operation": operation, "status": status} for item in unit.item_ids
    ]
    return UnitOutcome(
        unit_id=unit.unit_id,
        counts={IMAGES: {"failed": len(unit.items)}},
        failures=failures,
        details={"ids": {"failed": unit.item_ids}, "started": list(started)},
    )
