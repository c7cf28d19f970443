"""Whether the app can work: settings and storage, nothing deeper, no secrets."""

from __future__ import annotations

from typing import Any

from shared.bootstrap import Installation
from shared.domain.errors import ConfigurationError, TransientError


def health(installation: Installation) -> tuple[int, dict[str, Any]]:
    """Give the status code and body: 200 `ok`, or 503 `degraded` with every check that failed, in names only."""
    try:
        services = installation.services()
        checks = {"settings": "ok", "storage": "ok"}
        services.ledger.blobs.read("_health")
    except ConfigurationError as error:
        checks = {"settings": "; ".join(error.problems), "storage": "not checked"}
    except TransientError as error:
        checks = {"settings": "ok", "storage": error.code}
    healthy = all(result == "ok" for result in checks.values())
    return (200, {"status": "ok", "checks": checks}) if healthy else (503, {"status": "degraded", "checks": checks})
