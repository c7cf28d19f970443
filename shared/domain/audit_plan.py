"""
The plan of a stored request, held against the hash that its record and its receipt name. Pure but for what it is given.

Of an erasure the hash is taken again, of the plan and its pages; names are gone by then and were never in it. Of an
export only the plan's own word is compared. Pages go with `EXPORT_RETENTION_DAYS`; then nothing can be said of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shared.domain.plan_hash import PageAbsent, ReadUnits, hash_again
from shared.domain.record import MALFORMED, RequestRecord
from shared.domain.work import WorkUnit


def plan_problems(record: RequestRecord, content: bytes | None, read: ReadUnits, *, has_pages: bool) -> list[str]:
    """
    Say what is wrong with a plan, each time with the blob concerned; nothing for a request that was never planned.

    `content`: of `plan.json`; `read` gives its pages; `has_pages`: whether retention has left them.
    """
    if record.plan_hash is None:
        return []
    if content is None:
        return ["plan.json: is gone"]
    try:
        plan = json.loads(content)
        problems = (
            [] if plan["plan_hash"] == record.plan_hash else ["plan.json: says another plan_hash than the record"]
        )
        if record.is_export or not has_pages:
            return problems
        again = hash_again(plan, read)
        agree = all(_agrees(project, unit) for project in plan["projects"] for unit in read(project["units"]))
    except PageAbsent:
        return ["plan/: a page is gone, or is another one"]
    except MALFORMED:
        return ["plan.json: it or one of its pages cannot be read any more"]
    is_approved = agree and again == record.plan_hash
    return problems + ([] if is_approved else ["plan/: ids or actions are not those of its plan_hash"])


def _agrees(project: Mapping[str, Any], unit: WorkUnit) -> bool:
    """Whether a unit is of its project, and goes at those iterations alone whose action in the hashed plan says so."""
    if (unit.project_id, bool(unit.details.get("whole"))) != (project["id"], project["whole"]):
        return False
    ids, actions = set(unit.item_ids), {one["id"]: one["action"] for one in project["iterations"]}
    match unit.kind:
        case "unpublish":
            return ids <= {one for one, action in actions.items() if action != "keep"}
        case "iterations":
            return ids == {one for one, action in actions.items() if action == "delete"}
        case "projects":
            return ids == {project["id"]}
        case _:
            return True
