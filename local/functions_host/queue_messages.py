"""What a queue message is to a function, and what a function's output is on a queue. Pure.

Source: the queue extension and the script host, as described in `docs/functions-host.md`.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from local.functions_host import dotnet_json
from local.functions_host.values import Datum


class Undecodable(ValueError):
    """The text of a message is not valid base64 although the host expects that."""


class BadOutput(ValueError):
    """A function's output cannot be written to a queue; the text says why without showing it."""


@dataclass(frozen=True)
class MessageFacts:
    """A fetched message without its body; times are UTC."""

    id: str
    pop_receipt: str
    dequeue_count: int
    insertion_time: datetime
    expiration_time: datetime
    next_visible_time: datetime


def decode_body(text: str, encoding: str) -> bytes:
    """The bytes of a message from its text on the wire; raises Undecodable."""
    if encoding == "none":
        return text.encode()
    try:
        return base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Undecodable("the message is not valid base64") from error


def encode_body(body: bytes, encoding: str) -> str:
    """The text on the wire of a message's bytes; raises BadOutput for bytes that are no text (encoding `none`)."""
    if encoding == "base64":
        return base64.b64encode(body).decode("ascii")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadOutput("the bytes are not UTF-8, which messageEncoding none needs") from error


def trigger_input(body: bytes, *, binary: bool) -> Datum:
    """The value of the trigger's parameter: text, unless the binding asks for bytes."""
    return Datum("bytes", body) if binary else Datum("string", body.decode(errors="replace"))


def trigger_metadata(facts: MessageFacts, body: bytes) -> dict[str, Datum]:
    """The metadata beside the message, overwritten by the top-level properties of a JSON object in the body."""
    metadata = {
        "Id": Datum("string", facts.id),
        "PopReceipt": Datum("string", facts.pop_receipt),
        "DequeueCount": Datum("string", str(facts.dequeue_count)),
        "InsertionTime": Datum("string", _moment(facts.insertion_time)),
        "ExpirationTime": Datum("string", _moment(facts.expiration_time)),
        "NextVisibleTime": Datum("string", _moment(facts.next_visible_time)),
        "QueueTrigger": Datum("string", body.decode(errors="replace")),
    }
    names = {name.lower(): name for name in metadata}
    for name, value in _properties(body).items():
        metadata[names.setdefault(name.lower(), name)] = value
    return metadata


def _properties(body: bytes) -> Mapping[str, Datum]:
    """Top-level properties as the host hands them on: arrays and nulls left out, numbers and dates as text."""
    text = body.decode(errors="replace").strip()
    if not (text.startswith("{") and text.endswith("}")):
        return {}
    try:
        parsed = dotnet_json.parse(text)
    except ValueError:
        return {}
    found: dict[str, Datum] = {}
    for name, value in parsed.items() if isinstance(parsed, dict) else ():
        if isinstance(value, dict):
            found[name] = Datum("json", dotnet_json.write(value))
        elif value is not None and not isinstance(value, list):
            found[name] = Datum("string", dotnet_json.as_text(value))
    return found


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def output_bodies(datum: Datum) -> list[bytes]:
    """The messages that one output becomes. Bytes pass untouched; text that looks like JSON is written anew.

    A JSON array becomes one message per element. Raises BadOutput for text that looks like JSON but is not.
    """
    match datum.kind:
        case None:
            return []
        case "bytes":
            return [bytes(datum.value)]
        case "string":
            return _from_text(datum.value)
        case "json":
            return _from_parsed(_parsed(datum.value))
        case _:
            raise BadOutput(f"a value of the kind {datum.kind} cannot be put on a queue")


def _from_text(text: str) -> list[bytes]:
    if not _looks_like_json(text):
        return [text.encode()]
    return _from_parsed(_parsed(text))


def _looks_like_json(text: str) -> bool:
    trimmed = text.strip()
    return (trimmed.startswith("{") and trimmed.endswith("}")) or (trimmed.startswith("[") and trimmed.endswith("]"))


def _parsed(text: str) -> object:
    try:
        return dotnet_json.parse(text)
    except ValueError as error:
        raise BadOutput("the text looks like JSON but is not") from error


def _from_parsed(value: object) -> list[bytes]:
    elements = value if isinstance(value, list) else [value]
    return [_element(element).encode() for element in elements]


def _element(value: object) -> str:
    if isinstance(value, (dict, list)):
        return dotnet_json.write(value)
    return dotnet_json.original_text(value)


def poison_queue_name(queue_name: str) -> str | None:
    """`<queue>-poison`; None for queues that are one already, and where the name would pass 63 characters."""
    name = f"{queue_name}-poison"
    return None if queue_name.endswith("-poison") or len(name) > 63 else name
