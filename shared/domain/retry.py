"""
When to try again: decisions about waiting, without a clock and without sleeping.

Two places wait. Inside one call of the service a few seconds are spent at most (`in_process_delay`); everything longer
goes back to the queue (`redelivery_delay`), because a function that sleeps is paid for and may be killed. Custom
Vision throttles at 10 calls a second; whether it sends `Retry-After` is not documented, so the number in the text of
the refusal ("Please retry after 1 second.") is read as well.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from shared.domain.errors import OutcomeUnknown, ServiceUnavailable, TransientError

IN_PROCESS_TRIES = 3
IN_PROCESS_SECONDS = 6.0
FIRST_BACKOFF_SECONDS = 1.0

REDELIVERY_CEILING_SECONDS = 300.0
RETRY_AFTER_CEILING_SECONDS = 3600.0
OUTAGE_SECONDS = 3600.0
FAULT_REDELIVERIES = 6

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,6})?")
_IN_TEXT = re.compile(r"retry after (\d{1,9}) (second|minute)", re.IGNORECASE)


def wished_delay(header: str | None, text: str, now: datetime | None) -> float | None:
    """
    Read how many seconds the other side wants to be left alone; None if it does not say.

    `header` is `Retry-After`: seconds, or an HTTP date compared with `now` (aware; without it dates do not count).
    `text` is the message of the refusal. An unreadable header counts as none.
    """
    seconds = _from_header(header.strip(), now) if header else None
    return seconds if seconds is not None else _from_text(text)


def _from_header(header: str, now: datetime | None) -> float | None:
    if _SECONDS.fullmatch(header):
        return float(header)
    return _seconds_until(header, now) if now else None


def _seconds_until(header: str, now: datetime) -> float | None:
    try:
        wanted = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _from_text(text: str) -> float | None:
    found = _IN_TEXT.search(text)
    if not found:
        return None
    return float(found[1]) * (60 if found[2].lower() == "minute" else 1)


def in_process_delay(
    error: TransientError, *, attempt: int, waited: float, repeatable: bool, jitter: float
) -> float | None:
    """
    Decide how many seconds to wait before the same call is sent again; None = raise the error.

    `attempt` counts the tries made (1 after the first), `waited` the seconds waited so far, `jitter` is in 0..1.
    `repeatable` says whether the call may be sent again although it may have been carried out (true for reads).
    """
    if isinstance(error, OutcomeUnknown) and not repeatable:
        return None
    delay = max(_backoff(attempt, jitter), error.retry_after or 0.0)
    if attempt >= IN_PROCESS_TRIES or waited + delay > IN_PROCESS_SECONDS:
        return None
    return delay


def _backoff(attempt: int, jitter: float) -> float:
    longest: float = FIRST_BACKOFF_SECONDS * 2 ** (attempt - 1)
    return longest * (0.5 + 0.5 * jitter)


def redelivery_delay(attempt: int, error: TransientError) -> float | None:
    """
    Decide after how many seconds the work is put before a function again; None = give up.

    `attempt` counts the failed deliveries (1 after the first). The delays double from 2 to 300 seconds and are never
    shorter than `error.retry_after`, which counts up to one hour. An outage (throttled, 503, not reached, no answer,
    storage) is given up after about an hour of waiting, a plain 5xx or half an answer after six redeliveries (about
    two minutes).
    """
    if is_fault(error):
        return _delay(attempt, error) if attempt <= FAULT_REDELIVERIES else None
    waited = sum(_delay(earlier, error) for earlier in range(1, attempt))
    return _delay(attempt, error) if waited < OUTAGE_SECONDS else None


def is_fault(error: TransientError) -> bool:
    """Tell a failure of this one call (500, 502, 504, half an answer) from the whole other side being away."""
    return isinstance(error, ServiceUnavailable | OutcomeUnknown) and error.status not in (None, 503)


def _delay(attempt: int, error: TransientError) -> float:
    wished = min(error.retry_after or 0.0, RETRY_AFTER_CEILING_SECONDS)
    doubled = min(2.0 ** min(attempt, 16), REDELIVERY_CEILING_SECONDS)
    return max(doubled, wished)
