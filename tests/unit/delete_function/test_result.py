"""What an erasure came to: every planned id has exactly one word, and the last look has the last one."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from delete_function.result import Words
from shared.domain.work import UnitOutcome

IDS = [f"00000000-0000-4000-8000-00000000000{digit}" for digit in range(6)]
UNIT = "images-00001"
FIRST_WORDS = st.sampled_from(["deleted", "already_absent", "no_longer_matching", "failed"])
CASES = st.fixed_dictionaries(dict.fromkeys(IDS, FIRST_WORDS))


def outcome(words: dict[str, str], started: Sequence[str] = ()) -> UnitOutcome:
    by_word: dict[str, list[str]] = {}
    for item, word in words.items():
        by_word.setdefault(word, []).append(item)
    counts = {word: len(items) for word, items in by_word.items()}
    failures = [
        {"store": "images", "id": item, "code": "refused", "operation": "DeleteImages", "status": 403}
        for item in by_word.get("failed", ())
    ]
    details = {"ids": by_word, "started": list(started)}
    return UnitOutcome(unit_id=UNIT, counts={"images": counts}, failures=failures, details=details)


def settled(words: dict[str, str], remaining: Sequence[str], started: Sequence[str] = ()) -> Words:
    found = Words()
    found.add(outcome(words, started))
    found.settle({UNIT: list(remaining)} if remaining else {}, "still_present")
    return found


@given(CASES, st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS)))
def test_every_id_ends_with_exactly_one_word(words: dict[str, str], remaining: set[str], started: set[str]) -> None:
    found = settled(words, sorted(remaining), sorted(started))
    assert sum(found.counts("images").values()) == len(IDS)
    for item in IDS:
        assert (
            sum(item in found.having(word) for word in ("deleted", "already_absent", "no_longer_matching", "failed"))
            == 1
        )


@given(CASES, st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS)))
def test_the_last_look_has_the_last_word(words: dict[str, str], remaining: set[str], started: set[str]) -> None:
    found = settled(words, sorted(remaining), sorted(started))
    assert set(found.having("failed")) == remaining
    for item in set(IDS) - remaining:
        if words[item] == "failed":
            assert item in found.having("deleted" if item in started else "already_absent")
        else:
            assert item in found.having(words[item])


@given(CASES, st.sets(st.sampled_from(IDS)))
def test_every_failure_is_named_once_and_nothing_else_is(words: dict[str, str], remaining: set[str]) -> None:
    found = settled(words, sorted(remaining))
    assert sorted(entry["id"] for entry in found.failures) == sorted(remaining)


@given(CASES, st.sets(st.sampled_from(IDS)))
def test_settling_twice_changes_nothing_more(words: dict[str, str], remaining: set[str]) -> None:
    found = settled(words, sorted(remaining))
    before = (found.counts("images"), [dict(entry) for entry in found.failures])
    found.settle({UNIT: sorted(remaining)} if remaining else {}, "still_present")
    assert (found.counts("images"), found.failures) == before


def test_a_store_without_any_outcome_counts_zero() -> None:
    assert set(Words().counts("images").values()) == {0}
