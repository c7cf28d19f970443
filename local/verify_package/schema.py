"""The JSON Schema of manifests and of their file rows (docs/manifest.schema.json), told without values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "manifest.schema.json"


@cache
def _validator(part: str) -> Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    chosen = {"$defs": schema["$defs"], "$ref": f"#/$defs/{part}"} if part else schema
    return Draft202012Validator(chosen)


def manifest_violations(manifest: object) -> Iterator[str]:
    """Give what a manifest breaks of its schema."""
    return _violations("", manifest)


def row_violations(row: object) -> Iterator[str]:
    """Give what a file row breaks of its schema."""
    return _violations("file_row", row)


def _violations(part: str, value: object) -> Iterator[str]:
    """Name the place and the broken rule; the library's own words would repeat the value."""
    for error in _validator(part).iter_errors(value):
        yield f"{error.json_path} breaks the schema ({error.validator}: {_short(error.validator_value)})"


def _short(rule: Any) -> str:  # noqa: ANN401 - any JSON value
    text = json.dumps(rule)
    return text if len(text) <= 100 else f"{text[:100]}..."
