"""Ids: what counts as one, and how the ids that this application makes are derived."""

from __future__ import annotations

import re
from uuid import UUID, uuid5

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

GUID_BYTES = 16

MESSAGE_NAMESPACE = UUID("6f0c1f0a-93c1-5d0e-9d0b-3f6b8f6c7a11")
"""Names of requests that came without an id: queue and message id, or schedule and due time."""


def guid(value: object) -> str | None:
    """Give the GUID in lower case, None if `value` is no text of the form 8-4-4-4-12 hex digits."""
    if not isinstance(value, str):
        return None
    lowered = value.lower()
    return lowered if _GUID.fullmatch(lowered) else None


def guid_to_bytes(value: object) -> bytes | None:
    """Give the 16 bytes of a GUID in lower case, in the order of its digits; None for anything else."""
    return bytes.fromhex(value.replace("-", "")) if isinstance(value, str) and _GUID.fullmatch(value) else None


def guid_of_bytes(packed: bytes | bytearray) -> str:
    """Give the GUID of 16 bytes."""
    digits = packed.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def id_of_message(queue: str, message_id: str) -> str:
    """Give the request id of a queue message without one: the same message, delivered again, is the same request."""
    return str(uuid5(MESSAGE_NAMESPACE, f"queue:{queue}:{message_id}"))


def id_of_scheduled_run(schedule: str, due_time: str) -> str:
    """Give the request id of a scheduled export: two hosts that fire for the same due time make one request."""
    return str(uuid5(MESSAGE_NAMESPACE, f"schedule:{schedule}:{due_time}"))


def id_of_retry(request_id: str) -> str:
    """Give the id of the retry of a request; asking twice gives the same."""
    return str(uuid5(UUID(request_id), "retry"))
