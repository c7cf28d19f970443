"""Logging for a person: short lines on stderr, the app's own records with the invocation they belong to.

The host's own lines hold names, durations and types only; no address, key, query or body ever reaches them.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import azure.functions

from local.functions_host import engine

HOST_LOGGER = logging.getLogger("functions_host")

# The worker's own records: the host tells the same in its own words, without the exception's text.
_SYSTEM_LOGGERS = ("azure.functions", "azure_functions_runtime")
_SDK_FOLDER = Path(azure.functions.__file__).parent
# Their lines carry addresses with queries; uvicorn's a refused header's value.
_QUIET_LOGGERS = {
    "azure": logging.WARNING,
    "urllib3": logging.ERROR,
    "msal": logging.WARNING,
    "uvicorn": logging.CRITICAL,
}


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3] + "Z"
        text = super().format(record)
        if record.name == HOST_LOGGER.name:
            return f"{moment} {text}"
        invocation = engine.current_invocation_id()
        origin = f"app {short_id(invocation)}" if invocation else "app"
        return f"{moment} [{origin}] {record.levelname} {text}"


def _is_not_the_systems(record: logging.LogRecord) -> bool:
    # The SDK warns through the root logger when a blueprint with an auth level holds other triggers than HTTP.
    of_the_sdk = record.name == "root" and Path(record.pathname).is_relative_to(_SDK_FOLDER)
    return not (of_the_sdk or record.name.startswith(_SYSTEM_LOGGERS))


def configure(*, debug: bool = False) -> None:
    """Send everything at INFO and above (DEBUG with `debug`) to stderr; call once, before the app is imported."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    handler.addFilter(_is_not_the_systems)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name, level in _QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(level)


def describe_exception(error: BaseException) -> str:
    """Type and place of an error of the host itself, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return type(error).__name__ + place


def short_id(invocation_id: str) -> str:
    """The first eight characters: enough to find the lines of one invocation."""
    return invocation_id[:8]
