"""What callers ask about requests, and the timers that look after them."""

from __future__ import annotations

import azure.functions as func

from request_function import http_trigger, timer_trigger
from shared.bootstrap import Installation
from shared.cleaning import Rebuild


def blueprints(installation: Installation, rebuild: Rebuild) -> list[func.Blueprint]:
    """Give the functions of this folder; `rebuild` is how exports make the derived files of a package."""
    return [http_trigger.blueprint(installation), timer_trigger.blueprint(installation, rebuild)]
