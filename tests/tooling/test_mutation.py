"""What `make mutate` makes of its results: a mutant is noticed, explained, or a failure."""

import pytest

from tests.mutation.__main__ import EXPLAINED, Mutant, read_explained, report

ONE = Mutant("module.x_rule", "return a and b", "return a or b")
OTHER = Mutant("module.x_rule", "return a", "return None")
TEXT = f"# A heading.\n\n# Both are always\n# the same.\n{ONE}\n"


def test_an_explanation_is_read_with_its_reason() -> None:
    assert read_explained(TEXT) == {ONE: "Both are always the same."}


def test_every_explanation_of_the_project_has_a_reason() -> None:
    assert all(read_explained(EXPLAINED.read_text()).values())


@pytest.mark.parametrize(
    ("total", "unnoticed", "explained", "code"),
    [
        (2, [], {}, 0),
        (2, [ONE], {ONE: "why"}, 0),
        (2, [ONE], {}, 1),
        (2, [ONE], {ONE: ""}, 1),
        (2, [ONE, OTHER], {ONE: "why"}, 1),
        (2, [], {ONE: "why"}, 1),
        (0, [], {}, 1),
    ],
)
def test_only_mutants_that_are_noticed_or_explained_pass(
    total: int, unnoticed: list[Mutant], explained: dict[Mutant, str], code: int
) -> None:
    assert report(total, unnoticed, explained) == code
