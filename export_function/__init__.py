"""Access and portability: exports of Custom Vision data into packages on Blob Storage."""

from __future__ import annotations

import azure.functions as func

from export_function import http_trigger, queue_trigger, timer_trigger
from shared.bootstrap import Installation


def blueprints(installation: Installation) -> list[func.Blueprint]:
    """Give the functions of this folder."""
    return [trigger.blueprint(installation) for trigger in (http_trigger, queue_trigger, timer_trigger)]
