"""HTML by construction: no value of the service can become markup."""

import html
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_function.derived.markup import Safe, element, escaped, filled, joined

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.text(alphabet="<>&\"' =/ascript!-\x00\x0b")


class Reader(HTMLParser):
    """Notes what a parser sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


def plain(text: str) -> str:
    """What a text is when its control characters are made visible."""
    return "".join("\ufffd" if (ord(c) < 32 and c not in "\t\n\r") or c == "\x7f" else c for c in text)


@given(TEXT)
def test_any_text_stays_the_text_of_its_element(text: str) -> None:
    seen = read(element("p", text))
    assert seen.tags == [("p", [])]
    assert seen.text == plain(text)


@given(TEXT)
def test_any_text_stays_the_value_of_its_attribute(text: str) -> None:
    (seen,) = read(element("img", alt=text)).tags
    assert seen == ("img", [("alt", plain(text))])


@given(TEXT)
def test_a_text_that_fills_a_template_stays_text(text: str) -> None:
    assert html.unescape(filled("a {value} b", value=text)) == html.unescape(f"a {escaped(text)} b")


def test_what_is_made_of_safe_parts_by_other_means_is_escaped_again() -> None:
    safe = element("b", "x")
    assert type(safe + "<") is str
    assert escaped(safe.upper()) == "&lt;B&gt;X&lt;/B&gt;"
    assert escaped(safe) is safe


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (element("br"), "<br>"),
        (element("p", None, 3, "a&b"), "<p>3a&amp;b</p>"),
        (element("details", open=True, hidden=False, id=None), "<details open></details>"),
        (element("a", "x", class_="n", aria_label='"'), '<a class="n" aria-label="&quot;">x</a>'),
        (joined(("<", Safe("<b>"), None)), "&lt;<b>"),
        (filled("{a} and {a}, {b}", a="<", b=element("i")), "&lt; and &lt;, <i></i>"),
    ],
)
def test_elements_are_written_as_html(made: Safe, expected: str) -> None:
    assert made == expected
