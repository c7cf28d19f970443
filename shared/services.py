"""What a function works with: the outside, handed over as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.copy_pace import CopyPace
from shared.domain.errors import ServiceUnavailable
from shared.domain.record import RequestRecord
from shared.domain.times import parse_rfc3339
from shared.ledger import RequestLedger
from shared.packages import PackageStore
from shared.ports import Clock, PictureSource, Queues
from shared.ports_account import ResourceManager, TrainingResource
from shared.ports_receipt import ReceiptKeys
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Services:
    """
    The ports of one installation.

    `vision` holds one client per resource, by the host name of its endpoint; `accounts` is None where no account is
    configured.
    """

    settings: Settings
    ledger: RequestLedger
    packages: PackageStore
    queues: Queues
    clock: Clock
    vision: Mapping[str, TrainingResource]
    pictures: PictureSource
    receipt_keys: ReceiptKeys
    copy_pace: CopyPace
    accounts: ResourceManager | None = None

    def now(self) -> datetime:
        """Give the present time in whole milliseconds, the unit in which times are kept."""
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def has_expired(self, record: RequestRecord) -> bool:
        """Whether a request's package and plan have reached their end."""
        return record.completed_time is not None and self.now() >= self.expiry_of(record)

    def expiry_of(self, record: RequestRecord) -> datetime:
        """Give when a package that has ended expires: EXPORT_RETENTION_DAYS after it was last good."""
        kept_since = record.notes.get("kept_since")
        since = parse_rfc3339(kept_since) if kept_since else record.completed_time or record.updated_time
        return since + self.settings.export_retention

    def resource(self, host: str) -> TrainingResource:
        """Give the client of a resource; `ServiceUnavailable` if the settings no longer name it."""
        try:
            return self.vision[host]
        except KeyError:
            raise ServiceUnavailable("resource no longer configured") from None
