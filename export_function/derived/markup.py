"""
HTML by construction: every text is escaped unless it was made by `element`. Pure.

`Safe` is the only type that passes unescaped, and only this module makes it of text; all operations of `str` on it give
a plain `str`, which is escaped again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from functools import cache
from string import Formatter

VOID = frozenset({"br", "img", "link", "meta"})
_SPECIAL = re.compile("[&<>\"'\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Safe(str):
    """HTML that may be put into a page as it is."""

    __slots__ = ()


HERE = Safe("\0")
"""Where something comes into a frame (`halves`); no escaped text holds it."""

type Content = str | int | None
type Attribute = str | int | bool | None


def escaped(value: Content) -> Safe:
    """Give a value as HTML text, fit for attributes too; None is nothing, control characters become a visible sign."""
    return value if isinstance(value, Safe) else Safe(_text(value))


def element(name: str, *children: Content, **attributes: Attribute) -> Safe:
    """
    Make an element; `class_` and `aria_label` give `class` and `aria-label`.

    An attribute that is True stands alone, one that is None or False is left out. `name` and the names of attributes
    are our own words, never values of the service.
    """
    given = "".join([_attribute(*pair) for pair in attributes.items()]) if attributes else ""
    if name in VOID:
        return Safe(f"<{name}{given}>")
    return Safe(f"<{name}{given}>{''.join([_text(child) for child in children])}</{name}>")


def joined(parts: Iterable[Content]) -> Safe:
    """Put parts one after the other."""
    return Safe("".join([_text(part) for part in parts]))


def halves(frame: Safe) -> tuple[Safe, Safe]:
    """Give what is before and behind the place that is marked by `HERE`: each element around a page would copy it."""
    before, _, behind = frame.partition(HERE)
    return Safe(before), Safe(behind)


def encoded(part: Safe) -> bytes:
    """
    Give a part of a page as UTF-8; half a surrogate pair becomes a question mark.

    One character that is not in Latin-1, and most figures have a thin space, makes a text two bytes for each of its
    letters, and encoding takes three more: pages are put together of parts that are encoded already.
    """
    return part.encode("utf-8", "replace")


def filled(template: str, **values: Content) -> Safe:
    """Fill in a text as `str.format` does, with values that may be elements."""
    parts: list[Content] = []
    for literal, field, _, _ in Formatter().parse(template):
        parts += [literal, values[field] if field else None]
    return joined(parts)


def foreign(value: Content) -> Safe:
    """Give a text of the service apart from the text around it, whatever its direction of writing."""
    return element("bdi", value)


def raw(text: str) -> Safe:
    """Take our own constant text (style sheet, document type) as it is."""
    return Safe(text)


def _text(value: Content) -> str:
    """See `escaped`, which makes a `Safe` of it; a large page has a dozen texts for each picture."""
    if isinstance(value, Safe) or value is None:
        return value or ""
    text = str(value)
    return html.escape(_CONTROL.sub("\ufffd", text), quote=True) if _SPECIAL.search(text) else text


def _attribute(word: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = _attribute_name(word)
    return f" {name}" if value is True else f' {name}="{_text(value)}"'


@cache
def _attribute_name(word: str) -> str:
    """Give an attribute's name for the word that Python takes; there are some dozen of them."""
    return word.rstrip("_").replace("_", "-")
