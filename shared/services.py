"""What a function works with: the outside, handed over as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.errors import ServiceUnavailable
from shared.ledger import RequestLedger
from shared.packages import PackageStore
from shared.ports import Clock, CustomVision, PictureSource, Queues
from shared.ports_receipt import ReceiptKeys
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Services:
    """The ports of one installation. `vision` holds one client per resource, by the host name of its endpoint."""

    settings: Settings
    ledger: RequestLedger
    packages: PackageStore
    queues: Queues
    clock: Clock
    vision: Mapping[str, CustomVision]
    pictures: PictureSource
    receipt_keys: ReceiptKeys

    def now(self) -> datetime:
        """Give the present time in whole milliseconds, the unit in which times are kept."""
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def resource(self, host: str) -> CustomVision:
        """Give the client of a resource; `ServiceUnavailable` if the settings no longer name it."""
        try:
            return self.vision[host]
        except KeyError:
            raise ServiceUnavailable("resource no longer configured") from None
