"""A scheduled export is a request like any other, named after its schedule and due time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from croniter import croniter

from shared.acceptance import accept
from shared.domain.canonical import canonical, keyed_digest
from shared.domain.identifiers import id_of_scheduled_run
from shared.domain.record import RequestRecord
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.domain.validation import validate_export
from shared.services import Services


def start_due_export(services: Services, schedule: str) -> RequestRecord:
    """
    Start the export of the latest due time that has come; a second start for it is the same request.

    After a pause of any length one run catches up, for the latest due time only.
    """
    due = rfc3339(latest_due_time(schedule, services.now()))
    body = {"scope": dict(services.settings.export_scope)}
    by_default = any(resource.resource_id for resource in services.settings.resources)
    request = validate_export(body, default_package="none", account_by_default=by_default)
    named = replace(request, request_id=id_of_scheduled_run(schedule, due))
    return accept(services, named, origin="timer", notes={"series": series_of(services, named)})


def series_of(services: Services, request: SubjectRequest) -> str:
    """Give what the runs of one schedule share: a keyed hash of what is exported and how."""
    return keyed_digest(services.settings.ledger_hash_key or "", canonical(request.comparable()))[:32]


def latest_due_time(schedule: str, now: datetime) -> datetime:
    """Give the latest tick of an NCRONTAB schedule (six fields, UTC) that is not after `now`."""
    ticks = croniter(schedule, now, second_at_beginning=True, day_or=False, ret_type=datetime)
    following: datetime = ticks.get_next(datetime)
    previous: datetime = croniter(
        schedule, following, second_at_beginning=True, day_or=False, ret_type=datetime
    ).get_prev(datetime)
    return previous
