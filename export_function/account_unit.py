"""The unit of an export that is about the accounts."""

from __future__ import annotations

from collections.abc import Iterator

from export_function.account import export_account
from export_function.unit_work import UnitWork, raise_if_worth_waiting
from shared.domain.errors import ServiceRefusal, TransientError
from shared.domain.work import UnitOutcome


def export_account_unit(work: UnitWork) -> UnitOutcome:
    """Write what can be read of every resource's account, and of the prediction accounts that iterations name."""
    result = export_account(
        work.services.accounts,
        work.services.vision,
        work.services.settings.resources,
        work.services.packages,
        work.request_id,
        include_keys=work.request.options["include_keys"],
        time=work.now(),
        attempt=work.attempt,
        prediction_resources=sorted(set(_prediction_resources(work))),
    )
    return result.outcome(work.unit)


def _prediction_resources(work: UnitWork) -> Iterator[str]:
    """Give the ARM ids of the accounts to which the planned projects' iterations are published."""
    plan = work.services.ledger.frozen_plan(work.request_id) or {"projects": []}
    for project in plan["projects"]:
        try:
            iterations = work.services.resource(project["resource"]).get_iterations(project["id"])
        except (ServiceRefusal, TransientError) as error:
            if isinstance(error, TransientError):
                raise_if_worth_waiting([error], work.attempt)
            continue  # the project's own units name the refusal
        yield from (i.row["originalPublishResourceId"] for i in iterations if i.row.get("originalPublishResourceId"))
