"""Numbers that are given to a run of tests by its environment."""

import pytest

from tests.asked import number, whole_number


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("10000", 10_000), ("", 7), ("007", 7)])
def test_a_whole_number_is_read(monkeypatch: pytest.MonkeyPatch, text: str, value: int) -> None:
    monkeypatch.setenv("ASKED", text)
    assert whole_number("ASKED", "X", 7) == value


def test_a_whole_number_that_is_not_given_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASKED", raising=False)
    assert (whole_number("ASKED", "X", 7), number("ASKED", 0.5)) == (7, 0.5)


@pytest.mark.parametrize("text", ["x", "0", "-1", "2.5", "1e3", "1 2", "1_0", "٣", " ", "9" * 19])
def test_what_is_no_whole_number_ends_the_run_with_a_sentence(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ASKED", text)
    with pytest.raises(pytest.UsageError, match=r"^X must be a whole number from 1 on\.$"):
        whole_number("ASKED", "X", 7)


@pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "inf"])
def test_what_is_no_number_above_0_ends_the_run_with_a_sentence(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ASKED", text)
    with pytest.raises(pytest.UsageError, match=r"^ASKED must be a number above 0\.$"):
        number("ASKED", 1)
