"""CSV: opens in a spreadsheet, runs nothing there, loses nothing."""

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_function.derived import derive_project
from export_function.derived.tables import csv_chunks, safe_text
from tests.unit.derived.built import OLD_ITERATION, PROJECT_ID, REQUEST_ID, TIME, Builder, image_row, region, tag_row

CAT = tag_row("cat")
DANGEROUS = re.compile(r"\s*[=+\-@]|[\t\r\n]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def derived(builder: Builder, name: str) -> list[dict[str, str]]:
    derive_project(builder.packages, REQUEST_ID, PROJECT_ID, formats={"csv"}, time=TIME)
    return table(builder.read(name))


def original(cell: str) -> str:
    """Undo what the module's docstring says."""
    rest = cell.removeprefix("'")
    return rest if rest != cell and safe_text(rest) == cell else cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\tx", "\r=1", "\nx", " =1", "-", "=", "\uff1d1", "'=1", "--1"],
)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert safe_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+3.25", "-1e-7", "-.5", "5", "", "a=b", "anna@example.org", "'t Hooft", "a-b"])
def test_a_number_or_a_plain_text_stays_as_it_is(text: str) -> None:
    assert safe_text(text) == text


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\n 1.eax\uff1d"), max_size=8) | st.text(max_size=20))
def test_no_text_becomes_a_formula_and_every_text_can_be_had_back(text: str) -> None:
    safe = safe_text(text)
    assert not DANGEROUS.match(safe) or NUMBER.fullmatch(safe)
    assert original(safe) == text


@given(
    st.lists(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=4)
)
def test_any_text_survives_a_csv_reader(rows: list[list[str]]) -> None:
    content = b"".join(csv_chunks(("a", "b"), rows)).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(content, newline="")))
    assert read == [["a", "b"], *([safe_text(cell) for cell in row] for row in rows)]


def test_an_image_row_says_where_its_file_is_and_what_is_known_of_it() -> None:
    builder = Builder()
    row = image_row(1, CAT, regions=[region(CAT, 0, 0, 1, 1)], metadata={"subject": "ännä", "=1": "=2"})
    builder.images([row])
    (found,) = derived(builder, "images.csv")
    assert builder.read(found["file"])
    assert (found["id"], found["width"], found["height"]) == (row["id"], "200", "100")
    assert (found["regions"], found["only_in_iteration"]) == ("1", "false")
    assert json.loads(found["tags"]) == ["cat"]
    assert json.loads(found["metadata"]) == {"subject": "ännä", "=1": "=2"}


def test_an_image_of_an_iteration_alone_is_in_the_table() -> None:
    builder = Builder()
    builder.rows(f"iterations/{OLD_ITERATION}/images", [image_row(1)])
    (found,) = derived(builder, "images.csv")
    assert (found["only_in_iteration"], found["file"], found["tags"]) == ("true", "", "")
    assert json.loads(found["iterations"]) == [OLD_ITERATION]


def test_tags_of_workspace_and_iterations_are_listed_once() -> None:
    builder = Builder()
    formula = tag_row("=cmd|' /C calc'!A0", "Negative")
    builder.document("tags.json", [CAT])
    builder.document(f"iterations/{OLD_ITERATION}/tags.json", [CAT, formula])
    found = {row["id"]: row for row in derived(builder, "tags.csv")}
    assert (found[CAT["id"]]["name"], found[CAT["id"]]["only_in_iteration"]) == ("cat", "false")
    assert found[formula["id"]]["name"] == "'=cmd|' /C calc'!A0"
    assert (found[formula["id"]]["only_in_iteration"], found[formula["id"]]["type"]) == ("true", "Negative")


def test_the_file_starts_with_a_byte_order_mark_and_ends_lines_as_rfc_4180_wants() -> None:
    builder = Builder()
    derive_project(builder.packages, REQUEST_ID, PROJECT_ID, formats={"csv"}, time=TIME)
    content = builder.read("tags.csv")
    assert content == b"\xef\xbb\xbfid,name,description,type,image_count,only_in_iteration\r\n"
