"""Small builders of JSON Schema 2020-12. Pure: words in, schemas out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

type Schema = dict[str, Any]

GUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
GUID_ANY_CASE = GUID.replace("a-f", "a-fA-F")
DIGEST = "^sha256:[0-9a-f]{64}$"
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"


def ref(name: str) -> Schema:
    """Point to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Give an object of an answer: it may have further members."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def closed_object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Give an object of a request: a member that is not named is refused."""
    return {**an_object(required, optional), "additionalProperties": False}


def one_of(words: Iterable[str]) -> Schema:
    """Give a text out of some words."""
    return {"type": "string", "enum": list(words)}


def nullable(schema: Schema) -> Schema:
    """Give a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def a_list(items: Schema, **limits: int) -> Schema:
    """Give a list; `limits` are `minItems` and `maxItems`."""
    return {"type": "array", "items": items, **limits}


def text(pattern: str | None = None, **limits: int) -> Schema:
    """Give a text; `limits` are `minLength` and `maxLength`."""
    return {"type": "string", **({"pattern": pattern} if pattern else {}), **limits}


def count() -> Schema:
    """Give a number of things."""
    return {"type": "integer", "minimum": 0}


def described(schema: Schema, description: str) -> Schema:
    """Add a sentence."""
    return {**schema, "description": description}
