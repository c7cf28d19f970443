"""Words of ids are kept as any mapping keeps them, and given by word."""

from hypothesis import given
from hypothesis import strategies as st

from delete_function.word_of import Key, WordOf

WORDS = ("deleted", "already_absent", "failed")
STORES = ("images", "tags")
KEYS = st.tuples(
    st.sampled_from(STORES), st.integers(0, 5).map(lambda number: f"00000000-0000-4000-8000-00000000000{number}")
)
CHANGES = st.lists(st.tuples(KEYS, st.sampled_from((*WORDS, None))), max_size=30)


def changed(changes: list[tuple[Key, str | None]]) -> tuple[WordOf, dict[Key, str]]:
    """Give what some changes, None for taking out, lead to: here, and in a mapping of Python."""
    here, there = WordOf(), dict[Key, str]()
    for key, word in changes:
        for mapping in (here, there):
            if word is None:
                mapping.pop(key, None)
            else:
                mapping[key] = word
    return here, there


@given(CHANGES)
def test_each_id_of_a_store_has_the_word_that_it_was_given_last(changes: list[tuple[Key, str | None]]) -> None:
    here, there = changed(changes)
    assert dict(here) == there
    assert len(here) == len(there)


@given(CHANGES, st.sets(st.sampled_from(WORDS)), st.sampled_from((*STORES, None)))
def test_ids_are_found_and_counted_by_word(
    changes: list[tuple[Key, str | None]], words: set[str], store: str | None
) -> None:
    here, there = changed(changes)
    assert set(here.ids(words, store)) == {
        item for (of, item), word in there.items() if word in words and store in (None, of)
    }
    assert here.keys_with(words) == {key for key, word in there.items() if word in words}
    for of in STORES:
        of_store = [word for (one, _), word in there.items() if one == of]
        assert here.counts(of) == {word: of_store.count(word) for word in WORDS if word in of_store}
