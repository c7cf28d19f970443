"""The frame of every page: head, landmarks, skip link, footer; and links, which go to files of the package only."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from urllib.parse import quote

from export_function.derived import texts
from export_function.derived.formats import moment
from export_function.derived.markup import HERE, Content, Safe, element, encoded, filled, halves, joined, raw
from export_function.derived.style import POLICY, STYLE

OVERVIEW = "index.html"


def page_name(number: int) -> str:
    """Give the name of a gallery page, counted from 1."""
    return f"index-{number:03d}.html"


def to_file(path: str, label: Content, **attributes: str) -> Safe:
    """Link to a file of the package by its path in it (with `#anchor` where wanted)."""
    place, mark, anchor = path.partition("#")
    return element("a", label, href=quote(place) + mark + quote(anchor), **attributes)


def navigation(label: str, links: list[Safe], class_: str | None = None) -> Safe:
    """Give a named list of links as a landmark."""
    return element("nav", element("ul", *(element("li", link) for link in links), class_=class_), aria_label=label)


def document(
    *, title: str, heading: str, lead: Content, navigation: Safe, content: Iterable[bytes], footer: Content
) -> bytes:
    """Give a whole page of its encoded content, UTF-8."""
    head = joined(
        (
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=POLICY),
            element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name_="referrer", content="no-referrer"),
            element("meta", name_="robots", content="noindex"),
            element("title", title),
            element("style", raw(STYLE)),
        )
    )
    body = joined(
        (
            element("a", texts.SKIP, class_="skip", href="#content"),
            element("header", element("h1", heading), element("p", lead, class_="lead") if lead else None, navigation),
            element("main", HERE, id="content", tabindex="-1"),
            element("footer", element("p", footer)),
        )
    )
    html = element("html", element("head", head), element("body", body), lang=texts.LANGUAGE)
    before, behind = halves(joined((raw("<!DOCTYPE html>\n"), html, raw("\n"))))
    return b"".join(chain((encoded(before),), content, (encoded(behind),)))


def facts(pairs: list[tuple[Content, Content]]) -> Safe:
    """Give a list of terms and what they are; pairs whose value is None or empty are left out."""
    shown = [(term, value) for term, value in pairs if value not in (None, "")]
    return (
        element("dl", *(joined((element("dt", term), element("dd", value))) for term, value in shown))
        if shown
        else raw("")
    )


def footer_of(request_id: str, time: str) -> Safe:
    """Give the footer's text with its time as `<time>`."""
    return filled(texts.FOOTER, request_id=request_id, when=moment(time))
