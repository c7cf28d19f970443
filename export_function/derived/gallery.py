"""Gallery pages: at most 500 pictures each, counted over the whole package and given as they fill up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby

from export_function.derived import texts
from export_function.derived.formats import number
from export_function.derived.markup import HERE, Safe, element, encoded, filled, foreign, halves
from export_function.derived.page import OVERVIEW, document, footer_of, navigation, page_name, to_file

PICTURES_A_PAGE = 500


@dataclass(frozen=True, slots=True)
class Section:
    """What pictures of a page belong together: a project's images or its stored predictions."""

    project_id: str
    project_name: str
    is_predictions: bool

    @property
    def anchor(self) -> str:
        """The section's place on a page."""
        return f"{'predictions' if self.is_predictions else 'images'}-{self.project_id}"


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """A page that was or will be written: its number, and its first and last picture, all from 1."""

    number: int
    first: int
    last: int

    @property
    def name(self) -> str:
        """The page's file."""
        return page_name(self.number)


@dataclass
class Gallery:
    """Takes figures in order and finishes a page whenever another picture than its 500 comes; `full` gives it."""

    request_id: str
    time: str
    pages: list[GalleryPage] = field(default_factory=list)
    pictures: int = 0
    _full: list[tuple[str, bytes]] = field(default_factory=list)
    _waiting: list[tuple[Section, bytes]] = field(default_factory=list)

    def add(self, section: Section, figure: Safe) -> GalleryPage:
        """Take the next picture and give the page that it will be on."""
        if len(self._waiting) == PICTURES_A_PAGE:
            self._finish(is_last=False)
        self._waiting.append((section, encoded(figure)))
        self.pictures += 1
        return self._current()

    def finish(self) -> None:
        """Finish the last page, if there are pictures."""
        if self._waiting:
            self._finish(is_last=True)

    def full(self) -> list[tuple[str, bytes]]:
        """Give file name and content of the pages that were finished since this was asked last."""
        full, self._full = self._full, []
        return full

    def _current(self) -> GalleryPage:
        first = self.pictures - len(self._waiting) + 1
        return GalleryPage(len(self.pages) + 1, first, self.pictures)

    def _finish(self, *, is_last: bool) -> None:
        page = self._current()
        content = _document(page, self._waiting, _links(page, is_last=is_last), footer_of(self.request_id, self.time))
        self._full.append((page.name, content))
        self.pages.append(page)
        self._waiting = []


def _document(page: GalleryPage, figures: Sequence[tuple[Section, bytes]], links: list[Safe], footer: Safe) -> bytes:
    sections = groupby(figures, key=lambda entry: entry[0])
    content = (part for section, entries in sections for part in _section(section, (figure for _, figure in entries)))
    heading = texts.GALLERY_TITLE.format(first=number(page.first), last=number(page.last))
    return document(
        title=f"{heading} – {texts.TITLE}",
        heading=heading,
        lead=None,
        navigation=navigation(texts.PAGES, links, class_="pages"),
        content=chain(content, (encoded(navigation(texts.PAGES_BELOW, links, class_="pages")),)),
        footer=footer,
    )


def _section(section: Section, figures: Iterable[bytes]) -> Iterator[bytes]:
    template = texts.SECTION_PREDICTIONS if section.is_predictions else texts.SECTION_IMAGES
    heading = element("h2", filled(template, project=foreign(section.project_name)), id=section.anchor)
    pictures = element("div", HERE, class_="gallery")
    before, behind = halves(element("section", heading, pictures, aria_labelledby=section.anchor))
    yield encoded(before)
    yield from figures
    yield encoded(behind)


def _links(page: GalleryPage, *, is_last: bool) -> list[Safe]:
    links = [to_file(OVERVIEW, texts.TO_OVERVIEW)]
    if page.number > 1:
        links.insert(0, to_file(page_name(page.number - 1), texts.PREVIOUS, rel="prev"))
    if not is_last:
        links.append(to_file(page_name(page.number + 1), texts.NEXT, rel="next"))
    return links
