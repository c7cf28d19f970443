"""What callers ask about requests, and the timers that look after them."""

from __future__ import annotations

import azure.functions as func

from request_function import http_trigger, timer_trigger
from shared.bootstrap import Installation


def blueprints(installation: Installation) -> list[func.Blueprint]:
    """Give the functions of this folder."""
    return [trigger.blueprint(installation) for trigger in (http_trigger, timer_trigger)]
