"""Erasure: what Custom Vision holds of a person is deleted, and proven gone by reading again."""

from __future__ import annotations

import azure.functions as func

from delete_function import http_trigger, queue_trigger
from shared.bootstrap import Installation


def blueprints(installation: Installation) -> list[func.Blueprint]:
    """Give the functions of this folder."""
    return [trigger.blueprint(installation) for trigger in (http_trigger, queue_trigger)]
