"""Erasure: what Custom Vision holds of a person is deleted, and proven gone by reading again."""

from __future__ import annotations

import azure.functions as func

from delete_function import http_trigger, queue_trigger
from shared.bootstrap import Installation
from shared.cleaning import Rebuild


def blueprints(installation: Installation, rebuild: Rebuild) -> list[func.Blueprint]:
    """Give the functions of this folder; `rebuild` is how exports make the derived files of a package."""
    return [http_trigger.blueprint(installation), queue_trigger.blueprint(installation, rebuild)]
