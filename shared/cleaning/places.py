"""What a file of a package is, by its path; and what erasures take away of it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from shared.domain.canonical import canonical, readable
from shared.domain.selection import WORKSPACE
from shared.tombstones import Tombstones

type Erased = Mapping[str, Tombstones]
"""What is taken away, by project."""

_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_IN_PROJECT = re.compile(rf"projects/({_ID})/(.+)")
_PICTURE = re.compile(rf"(images|predictions)/files/({_ID})\.[a-z0-9]+")
_IMAGE_ROWS = re.compile(rf"(iterations/{_ID}/)?(images|image_performances)/\d{{5,}}\.jsonl")
_OWN_IMAGE_ROWS = re.compile(rf"(?:iterations/({_ID})/)?images/\d{{5,}}\.jsonl")
_PREDICTION_ROWS = re.compile(r"predictions/\d{5,}\.jsonl")
_TAG_LISTS = re.compile(rf"(iterations/{_ID}/)?tags\.json|iterations/{_ID}/performance\.json")
_INDEX = re.compile(r"index(-\d{3,})?\.html")
_STORES = {
    "projects": re.compile(r"project\.json"),
    "iterations": re.compile(rf"iterations/{_ID}/iteration\.json"),
    "performance": re.compile(rf"iterations/{_ID}/performance\.json"),
    "exported_models": re.compile(rf"iterations/{_ID}/models/.+"),
    "images": re.compile(r"images/files/.+"),
    "predictions": re.compile(r"predictions/files/.+"),
}

FORMATS: Mapping[str, str] = {"coco.json": "coco", "images.csv": "csv", "tags.csv": "csv"}
"""Files of a project that are made of its other files, with the format that they belong to."""


def place(path: str) -> tuple[str, str] | None:
    """Give the project that a file lies in, and its path there; None for a file of no project."""
    found = _IN_PROJECT.fullmatch(path)
    return (found[1], found[2]) if found else None


def is_index(path: str) -> bool:
    """Whether a file is a page for people."""
    return bool(_INDEX.fullmatch(path))


def is_rows(path: str) -> bool:
    """Whether a file of a project (its path there) is a page of rows of items."""
    return bool(_IMAGE_ROWS.fullmatch(path) or _PREDICTION_ROWS.fullmatch(path))


def source_of_rows(path: str) -> str | None:
    """Give the source whose images a file of a project has rows of: an iteration's id, or "" for the workspace."""
    found = _OWN_IMAGE_ROWS.fullmatch(path)
    return (found[1] or WORKSPACE) if found else None


def lists_tags(path: str) -> bool:
    """Whether a file of a project lists its tags, or figures by tag."""
    return bool(_TAG_LISTS.fullmatch(path))


def has_contents(path: str, tombstones: Tombstones) -> bool:
    """Whether a file of a project that stays may hold something of what is taken away."""
    return is_rows(path) or (bool(tombstones.tags) and lists_tags(path))


def picture_id(path: str) -> tuple[str, str] | None:
    """Give store and id of the picture that a file of a project is; None if it is none."""
    found = _PICTURE.fullmatch(path)
    return (found[1], found[2]) if found else None


def store_of(path: str) -> str | None:
    """Give the store in which a file of a project counts as one thing written; None if it counts in none."""
    return next((store for store, pattern in _STORES.items() if pattern.fullmatch(path)), None)


def covers(tombstones: Tombstones, store: str, item_id: str) -> bool:
    """Whether an item of a store (images or predictions) is taken away."""
    return tombstones.covers_image(item_id) if store == "images" else tombstones.covers_prediction(item_id)


def is_doomed(path: str, erased: Erased) -> bool:
    """Whether a file goes as a whole: its project does, or it is the picture of an item that does."""
    where = place(path)
    tombstones = erased.get(where[0]) if where else None
    if where is None or tombstones is None:
        return False
    picture = picture_id(where[1])
    return tombstones.whole or (picture is not None and covers(tombstones, *picture))


def may_change(path: str, erased: Erased) -> bool:
    """Whether a file that stays may have other bytes afterwards: rows, lists of tags, and what is made of them."""
    where = place(path)
    if where is None:
        return is_index(path)
    return where[0] in erased and (has_contents(where[1], erased[where[0]]) or where[1] in FORMATS)


def row_ids(path: str, content: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Give store, id and line of every row of a page of rows (its path in the project)."""
    store = "predictions" if _PREDICTION_ROWS.fullmatch(path) else "images"
    for line in content.splitlines(keepends=True):
        row: Mapping[str, Any] = json.loads(line)
        yield store, str(row.get("id", "")).lower(), line


def contents_left(path: str, content: bytes, tombstones: Tombstones) -> bytes:
    """
    Give a file of a project without what is taken away: rows of items, and all that is said by a tag.

    What stays is byte for byte the same.
    """
    if not is_rows(path):
        return _without_tags(content, tombstones.tags, readable)
    kept = (line for store, item, line in row_ids(path, content) if not covers(tombstones, store, item))
    return b"".join(_without_tags(line, tombstones.tags, _as_row) for line in kept)


def tags_in(content: bytes, tags: Collection[str]) -> set[str]:
    """Give those of some tags that a file names; their ids stand there in any case."""
    lowered = content.lower() if tags else b""
    return {tag for tag in tags if tag.encode() in lowered}


def _without_tags(content: bytes, tags: Collection[str], write: Callable[[Any], bytes]) -> bytes:
    named = tags_in(content, tags)
    if not named:
        return content
    value = json.loads(content)
    left = _pruned(value, named)
    return content if left == value else write(left)


def _pruned(value: Any, tags: Collection[str]) -> Any:  # noqa: ANN401 - any JSON value
    """Leave out what any list has about one of some tags: the tag, a region, a figure, a guess."""
    if isinstance(value, list):
        return [_pruned(item, tags) for item in value if not _is_about(item, tags)]
    if isinstance(value, dict):
        return {name: _pruned(item, tags) for name, item in value.items()}
    return value


def _is_about(item: Any, tags: Collection[str]) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(item, dict) and any(str(item.get(name, "")).lower() in tags for name in ("tagId", "id"))


def _as_row(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    return canonical(value) + b"\n"
