"""The pages in a real browser, from a folder: complete, quiet, closed to the outside, and safe."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.pages.chromium import Page
from tests.pages.conftest import Unpacked
from tests.pages.traps import ENDS, HANDLER, QUOTES, SCRIPT

PLANTED = "typeof window.planted"


def test_no_page_complains_about_anything(package: Unpacked, page: Page) -> None:
    assert len(package.pages) == 2
    for path in package.pages:
        page.open(path)
        assert page.complaints() == []


def test_nothing_is_asked_for_outside_of_the_package(package: Unpacked, page: Page) -> None:
    for path in package.pages:
        page.open(path)
        page.run("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
        page.until(lambda: page.run("[...document.images].every(image => image.complete)"), "images are read")
        asked = page.requests()
        assert asked
        assert [url for url in asked if not url.startswith(package.folder.as_uri() + "/")] == []


def test_every_picture_is_displayed(package: Unpacked, page: Page) -> None:
    page.open(package.pages[1])
    assert page.run("document.images.length") == 11 + 2
    for at in range(13):
        page.run(f"document.images[{at}].scrollIntoView()")
        page.until(lambda at=at: page.run(f"document.images[{at}].naturalWidth") == 200, "the picture is displayed")  # type: ignore[misc]


def test_a_picture_that_browsers_do_not_show_is_a_link(package: Unpacked, page: Page) -> None:
    page.open(package.pages[1])
    assert page.run("[...document.links].filter(a => a.href.endsWith('.tiff')).map(a => a.innerText)") == [
        "Open the file (tiff; browsers do not show this kind)"
    ]


def test_a_picture_without_bytes_says_so(package: Unpacked, page: Page) -> None:
    page.open(package.pages[1])
    words = "The bytes of this picture could not be had."
    assert (
        page.run(f"[...document.querySelectorAll('figure')].filter(f => f.innerText.includes('{words}')).length") == 1
    )


def test_the_trap_closes_where_nothing_is_escaped(tmp_path: Path, page: Page) -> None:
    trap = tmp_path / "trap.html"
    trap.write_text(f"<!DOCTYPE html><title>t</title><body>{HANDLER}")
    page.open(trap)
    page.until(lambda: page.run(PLANTED) == "number", "the planted script runs")


def test_no_planted_script_runs_and_no_text_becomes_markup(package: Unpacked, page: Page) -> None:
    for path in package.pages:
        page.open(path)
        page.run("new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
        assert page.run(PLANTED) == "undefined"
        assert page.run("document.scripts.length") == 0
        handlers = (
            "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => /^on|focus$/.test(n))"
        )
        assert page.run(handlers) == []


@pytest.mark.parametrize(
    ("number", "text"), [(0, SCRIPT), (0, HANDLER), (0, ENDS), (1, SCRIPT), (1, QUOTES), (1, ENDS)]
)
def test_a_planted_text_is_there_as_text(package: Unpacked, page: Page, number: int, text: str) -> None:
    page.open(package.pages[number])
    page.run("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert text in page.run("document.body.innerText")


def test_a_planted_tag_is_text_in_the_name_of_a_picture(package: Unpacked, page: Page) -> None:
    page.open(package.pages[1])
    assert page.run("[...document.images].some(image => image.alt.includes('<script>'))")


def test_the_policy_stops_even_what_somebody_writes_into_a_page(package: Unpacked, page: Page) -> None:
    broken = package.folder / "broken-by-hand.html"
    added = f"{SCRIPT}{HANDLER}<link rel=stylesheet href=x.css><style>body{{color:red}}</style>"
    added += "<iframe src=index.html></iframe><img src=https://example.invalid/a.png>"
    broken.write_text(package.index.read_text().replace("</main>", f"{added}</main>"))
    try:
        page.open(broken)
        page.until(lambda: len(page.complaints()) >= 6, "the policy speaks")
        found = [complaint for complaint in page.complaints() if "Content Security Policy" in complaint]
        wanted = ("inline script", "inline event handler", "the stylesheet", "inline style", "Framing", "the image")
        assert [words for words in wanted if not any(words in complaint for complaint in found)] == []
        assert page.run(PLANTED) == "undefined"
    finally:
        broken.unlink()


def test_every_link_leads_to_a_file_or_place_of_the_package(package: Unpacked, page: Page) -> None:
    for path in package.pages:
        page.open(path)
        written = page.run(
            "[...document.querySelectorAll('[href], [src]')].map(e => e.getAttribute('href') || e.getAttribute('src'))"
        )
        assert len(written) > 10
        for link in written:
            parts = urlsplit(link)
            assert (parts.scheme, parts.netloc, parts.query) == ("", "", "")
            target = path.parent / unquote(parts.path) if parts.path else path
            assert target.is_file(), link
            if parts.fragment:
                assert f'id="{unquote(parts.fragment)}"' in target.read_text(), link


def test_every_data_file_is_linked_from_the_overview(package: Unpacked, page: Page) -> None:
    page.open(package.index)
    linked = {
        unquote(link) for link in page.run("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    }
    listed = {str(p.relative_to(package.folder)) for p in package.folder.rglob("*") if p.is_file()}
    pictures = {path for path in listed if "/files/" in path}
    assert listed - pictures - linked == {"index.html"}


def test_a_region_is_drawn_where_it_is(package: Unpacked, page: Page) -> None:
    page.open(package.pages[1])
    boxes = page.run(
        """[...document.querySelectorAll('figure')].filter(f => f.querySelector('rect.over')).map(f => {
          const image = f.querySelector('img').getBoundingClientRect()
          const box = f.querySelector('rect.over').getBBox()
          return [box.x / image.width, box.y / image.height, box.width / image.width, box.height / image.height]
        })"""
    )
    assert len(boxes) == 5 + 1
    for box in boxes[:5]:
        assert box == pytest.approx([0.25, 0.2, 0.5, 0.6], abs=0.01)


def test_what_is_drawn_is_clipped_to_the_picture(package: Unpacked, page: Page) -> None:
    page.open(package.pages[1])
    outside = page.run(
        """[...document.querySelectorAll('rect.over')].filter(rect => {
          const box = rect.getBBox(), whole = rect.ownerSVGElement.getBoundingClientRect()
          return Math.min(box.x, box.y, whole.width - box.x - box.width, whole.height - box.y - box.height) < -1
        }).length"""
    )
    assert outside == 0


def test_an_image_of_iterations_alone_says_so_in_words(package: Unpacked, page: Page) -> None:
    page.open(package.pages[1])
    notes = page.run("[...document.querySelectorAll('.note')].map(note => note.innerText)")
    assert notes == ["No longer in the project itself: only trained iterations still hold this image."] * 2
