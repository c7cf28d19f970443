"""The pages for everybody: by keyboard, by screen reader, on a small screen, in the dark, with weak eyes."""

from itertools import pairwise

import pytest

from tests.pages.chromium import Page
from tests.pages.conftest import Unpacked

TAB, ENTER = 9, 13
WHERE = """(() => { const e = document.activeElement; const box = e.getBoundingClientRect()
  return {id: e.id, text: e.innerText, outline: getComputedStyle(e).outlineStyle,
          seen: box.width > 0 && box.right > 0 && box.bottom > 0 && box.top < innerHeight} })()"""
STOPS = """[...document.querySelectorAll('a[href], summary')]
  .filter(e => e.tagName == 'SUMMARY' || !e.closest('details:not([open])')).map(e => e.innerText)"""
# Ratio as in WCAG 2.2, of every element with text of its own, against the nearest background that is not transparent.
CONTRAST = """(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number)
  const linear = c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4
  const light = ([r, g, b]) => [r, g, b].map(c => linear(c / 255))
    .reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0)
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor)
    if (c.length == 3 || c[3] == 1) return c } return [255, 255, 255] }
  const ratio = e => { const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x)
    return (a + .05) / (b + .05) }
  const own = e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) && !e.closest('svg, style, title')
  return [...document.querySelectorAll('body *')].filter(own).map(e => [ratio(e), e.tagName, e.className])
})()"""


@pytest.fixture(params=[0, 1], ids=["overview", "gallery"])
def opened(package: Unpacked, page: Page, request: pytest.FixtureRequest) -> Page:
    page.call("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
    page.open(package.pages[request.param])
    return page


def test_the_first_tab_shows_a_way_past_the_navigation(opened: Page) -> None:
    opened.press("Tab", TAB)
    at = opened.run(WHERE)
    assert (at["text"], at["seen"]) == ("Skip to the content", True)
    opened.press("Enter", ENTER)
    opened.until(lambda: opened.run(WHERE)["id"] == "content", "the focus is in the content")
    opened.press("Tab", TAB)
    assert opened.run("document.querySelector('main').contains(document.activeElement)")


def test_tab_goes_through_all_links_in_their_order_and_shows_where_it_is(opened: Page) -> None:
    stops = opened.run(STOPS)
    assert len(stops) > 8
    for expected in stops:
        opened.press("Tab", TAB)
        at = opened.run(WHERE)
        assert (at["text"], at["outline"], at["seen"]) == (expected, "solid", True)


def test_a_fold_opens_by_keyboard(package: Unpacked, page: Page) -> None:
    page.open(package.index)
    page.run("document.querySelector('summary').focus()")
    page.press("Enter", ENTER)
    page.until(lambda: page.run("document.querySelector('details').open"), "the fold is open")


def test_landmarks_are_there_once_and_named(opened: Page) -> None:
    tree = opened.tree()
    roles = [node["role"] for node in tree]
    assert [roles.count(role) for role in ("main", "banner", "contentinfo")] == [1, 1, 1]
    named = [node["name"] for node in tree if node["role"] in ("navigation", "region")]
    assert named
    assert all(named)
    assert len(set(named)) == len(named)


def test_headings_start_with_one_and_leave_no_level_out(opened: Page) -> None:
    levels = [node["level"] for node in opened.tree() if node["role"] == "heading"]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_picture_link_and_table_has_a_name(opened: Page) -> None:
    tree = opened.tree()
    nameless = [
        node for node in tree if node["role"] in ("image", "link", "table", "heading") and not node["name"].strip()
    ]
    assert nameless == []


def test_tables_name_their_rows_and_columns(package: Unpacked, page: Page) -> None:
    page.open(package.index)
    page.run("document.querySelectorAll('details').forEach(details => details.open = true)")
    roles = [node["role"] for node in page.tree()]
    assert roles.count("table") == 1 + 1 + 2
    assert roles.count("columnheader") == 7 + 3 + 4 + 4
    assert roles.count("rowheader") == 3 + 3 + 2 + 2


def test_regions_are_told_in_words_with_the_numbers_that_are_drawn(package: Unpacked, page: Page) -> None:
    page.open(package.pages[1])
    figures = page.run(
        """[...document.querySelectorAll('figure')].filter(f => f.querySelector('rect.over'))
          .map(f => [[...f.querySelectorAll('svg text')].map(t => +t.textContent),
                     f.querySelectorAll('ol li').length])"""
    )
    assert figures
    for drawn, told in figures:
        assert drawn == list(range(1, len(drawn) + 1))
        assert told >= len(drawn)


def test_the_language_is_said_and_foreign_words_keep_their_direction_to_themselves(opened: Page) -> None:
    assert opened.run("document.documentElement.lang") == "en"
    assert opened.run("document.title")
    assert opened.run("[...document.querySelectorAll('bdi')].length") > 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(opened: Page, scheme: str) -> None:
    opened.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    opened.run("document.querySelectorAll('details').forEach(details => details.open = true)")
    found = opened.run(CONTRAST)
    assert len(found) > 30
    assert [entry for entry in found if entry[0] < 4.5] == []


def test_the_dark_is_dark(opened: Page) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        opened.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        grounds.append(opened.run("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(251, 250, 247)", "rgb(21, 24, 28)"]


def test_a_small_screen_needs_no_scrolling_to_the_side(opened: Page) -> None:
    opened.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=False)
    opened.run("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert opened.run("document.documentElement.scrollWidth") <= 320


def test_paper_has_what_is_folded_on_the_screen(package: Unpacked, page: Page) -> None:
    page.open(package.index)
    shown = "[...document.querySelectorAll('details > :not(summary)')].map(e => e.checkVisibility())"
    assert set(page.run(shown)) == {False}
    page.call("Emulation.setEmulatedMedia", media="print")
    assert set(page.run(shown)) == {True}


def test_paper_has_the_pictures_and_no_navigation(opened: Page) -> None:
    opened.call("Emulation.setEmulatedMedia", media="print")
    assert opened.run("[...document.querySelectorAll('nav')].every(nav => getComputedStyle(nav).display == 'none')")
    assert opened.run("[...document.images].every(image => image.getBoundingClientRect().width > 20)")
