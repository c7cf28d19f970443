"""
CSV of images and tags (RFC 4180, UTF-8 with a byte order mark, since spreadsheets take anything else for another code).

A text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay numbers. To have the
original back, drop one apostrophe where the rest is such a text. Lists and metadata are JSON in their cell, since names
may contain any separator. Pure.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from export_function.derived.held import HeldImage

type Cell = str | int | float | bool | None

IMAGE_COLUMNS = (
    "id",
    "file",
    "created",
    "width",
    "height",
    "tags",
    "regions",
    "only_in_iteration",
    "iterations",
    "metadata",
)
TAG_COLUMNS = ("id", "name", "description", "type", "image_count", "only_in_iteration")
ROWS_A_CHUNK = 500

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_FORMULA = re.compile(r"['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")


def safe_text(text: str) -> str:
    """Put an apostrophe before what a spreadsheet might take for a formula (OWASP, CSV injection)."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_chunks(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Give a table in pieces, its header first."""
    yield codecs.BOM_UTF8
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow([_cell(cell) for cell in row])
        if number % ROWS_A_CHUNK == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def image_cells(image: HeldImage) -> list[Cell]:
    """Give an image's cells in the order of `IMAGE_COLUMNS`; `file` is relative to the project's folder."""
    row = image.shown.row
    return [
        image.shown.id,
        image.file,
        row.get("created"),
        row.get("width"),
        row.get("height"),
        _json([name for _, name in image.shown.tags]),
        len(row.get("regions") or ()),
        not image.in_workspace,
        _json(list(image.iterations)),
        _json(dict(image.shown.metadata)),
    ]


def tag_cells(tag: Mapping[str, Any], in_workspace: bool) -> list[Cell]:
    """Give a tag's cells in the order of `TAG_COLUMNS`."""
    return [
        str(tag["id"]).lower(),
        tag.get("name"),
        tag.get("description"),
        tag.get("type"),
        tag.get("imageCount"),
        not in_workspace,
    ]


def _cell(cell: Cell) -> str | int | float:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return cell
    return "" if cell is None else safe_text(str(cell))


def _json(value: list[str] | dict[str, str]) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")
