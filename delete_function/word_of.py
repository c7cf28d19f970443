"""Which id of which store has which word, in the space of an `IdSet`: an erasure may be about 100,000 images. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping

from shared.domain.id_set import IdSet

type Key = tuple[str, str]
"""A store, and an id in it."""


class WordOf(MutableMapping[Key, str]):
    """
    The word of each (store, id), kept as one set of ids for each word of a store.

    There are few words, so finding one means looking into a few sets; `ids` gives all that have one.
    """

    def __init__(self) -> None:
        self._sets: dict[Key, IdSet] = {}

    def ids(self, words: Iterable[str], store: str | None = None) -> IdSet:
        """Give the ids that have one of some words, in one store or in any."""
        found = [ids for (of, word), ids in self._sets.items() if word in words and store in (None, of)]
        return IdSet(item for ids in found for item in ids)

    def keys_with(self, words: Iterable[str]) -> set[Key]:
        """Give store and id of what has one of some words; to be asked for words that few have."""
        return {(of, item) for (of, word), ids in self._sets.items() if word in words for item in ids}

    def counts(self, store: str) -> dict[str, int]:
        """Give how many ids of a store have each word."""
        return {word: len(ids) for (of, word), ids in self._sets.items() if of == store and ids}

    def __getitem__(self, key: Key) -> str:
        word = next((word for (of, word), ids in self._sets.items() if of == key[0] and key[1] in ids), None)
        if word is None:
            raise KeyError(key)
        return word

    def __setitem__(self, key: Key, word: str) -> None:
        for (of, other), ids in self._sets.items():
            if of == key[0] and other != word:
                ids.discard(key[1])
        self._sets.setdefault((key[0], word), IdSet()).add(key[1])

    def __delitem__(self, key: Key) -> None:
        self._sets[key[0], self[key]].discard(key[1])

    def __iter__(self) -> Iterator[Key]:
        return ((of, item) for (of, _), ids in self._sets.items() for item in ids)

    def __len__(self) -> int:
        return sum(map(len, self._sets.values()))
