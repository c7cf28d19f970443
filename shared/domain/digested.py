"""
A selector of which only keyed digests are left, and rows in the same spelling.

A retry must judge an image as the request before it did: the tag may have been corrected since. But that request's
selector is deleted with its end. So its plan keeps a keyed digest of each value, which tells nobody the value and is
still equal to the digest of the same value on a row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from shared.domain.canonical import canonical, keyed_digest
from shared.domain.resources import Image
from shared.domain.subject_request import ImageSelector


def kept_selector(selector: ImageSelector) -> dict[str, Any] | None:
    """
    Give what stays of a selector when its request ends: its ids, and digests of its tags and metadata.

    None if it goes by ids alone, and without a key, since anybody could try names against a digest then. What it took
    over from the request before it, it passes on.
    """
    key = selector.key
    kept = {"ids": sorted(selector.ids), "key": _mark(key)}
    if selector.before is not None:
        return kept | {"tags": sorted(selector.before.tags), "metadata": dict(selector.before.metadata)}
    if not (selector.needs_listing and key):
        return None
    tags = {_name(key, tag) for tag in selector.tags} | {_id(key, tag) for tag in selector.tags}
    return kept | {"tags": sorted(tags), "metadata": _pairs(key, selector.metadata)}


def is_readable(kept: Mapping[str, Any] | None, key: str) -> bool:
    """Whether digests can be compared with those of a row: with another key than theirs nothing would match."""
    return kept is None or bool(kept["key"] == _mark(key))


def is_comparable(selector: ImageSelector) -> bool:
    """Whether the digests that a selector took over from the request before it were made with its own key."""
    before = selector.before
    return before is None or before.made_with in (None, _mark(selector.key))


def _mark(key: str) -> str:
    return keyed_digest(key, b"the key of a selector's digests")


def tried_again(ids: Collection[str], kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """
    Give the `scope.images` of a retry that is about some images of a plan; empty if it is about none.

    What had been asked for by id is meant whatever its row says. The rest has to match as it did, or it stays.
    """
    if not ids:
        return {}
    if kept is None:
        return {"ids": sorted(ids)}
    asked_for = set(ids).intersection(kept["ids"])
    images: dict[str, Any] = {"ids": sorted(asked_for)} if asked_for else {}
    others = {
        "ids": sorted(set(ids) - asked_for),
        "tags": kept["tags"],
        "metadata": kept["metadata"],
        "key": kept["key"],
    }
    return images | ({"before": others} if others["ids"] else {})


def digested_image(image: Image, key: str) -> Image:
    """Give an image whose tags and metadata are digests; nothing else of its row is there."""
    tags = [{"tagId": _id(key, tag_id), "tagName": _name(key, name)} for tag_id, name in image.tags]
    return Image(image.id, {"tags": tags, "metadata": _pairs(key, image.metadata)})


def _name(key: str, name: str) -> str:
    return keyed_digest(key, canonical({"tag name": name}))


def _id(key: str, tag_id: str) -> str:
    """Ids are digested apart from names, so that a tag named like another one's id is not taken for it."""
    return keyed_digest(key, canonical({"tag id": tag_id.lower()}))


def _pairs(key: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """Digest whole pairs: a value without its name would tell which pictures share it."""
    digests = (keyed_digest(key, canonical({"metadata": [name, value]})) for name, value in metadata.items())
    return dict.fromkeys(digests, "")
