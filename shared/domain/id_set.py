"""Sets of ids in little space: a project may hold 100,000, and several lists of them are compared with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from heapq import merge
from typing import Self

from shared.domain.identifiers import GUID_BYTES, guid_of_bytes, guid_to_bytes


class IdSet(MutableSet[str]):
    """
    A set of ids that takes some 18 bytes each, where a set of texts takes 150; it gives them in ascending order.

    GUIDs in lower case are kept as their 16 bytes, in ascending runs by the first of these; whatever else is put in is
    kept as it is. Finding and adding take a few microseconds; adding moves what follows in a run, which is short as
    long as ids are spread evenly, as the service's are.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._runs: dict[int, bytearray] = {}
        self._others: set[str] = set()
        self.update(ids)

    @classmethod
    def of(cls, ids: Iterable[str]) -> Self:
        """Give ids as such a set: those of one as they are, any others copied."""
        return ids if isinstance(ids, cls) else cls(ids)

    def update(self, ids: Iterable[str]) -> None:
        """Add several."""
        for item in ids:
            self.add(item)

    def add(self, value: str) -> None:
        """Add an id."""
        packed = guid_to_bytes(value)
        if packed is None:
            self._others.add(value)
            return
        run = self._runs.setdefault(packed[0], bytearray())
        at = place_in(run, packed)
        if run[at : at + GUID_BYTES] != packed:
            run[at:at] = packed

    def discard(self, value: str) -> None:
        """Take an id out, if it is there."""
        packed = guid_to_bytes(value)
        if packed is None:
            self._others.discard(value)
        elif value in self:
            at = place_in(self._runs[packed[0]], packed)
            del self._runs[packed[0]][at : at + GUID_BYTES]

    def __contains__(self, value: object) -> bool:
        packed = guid_to_bytes(value)
        if packed is None:
            return value in self._others
        run = self._runs.get(packed[0], b"")
        at = place_in(run, packed)
        return run[at : at + GUID_BYTES] == packed

    def __iter__(self) -> Iterator[str]:
        return merge(self._guids(), sorted(self._others)) if self._others else self._guids()

    def __len__(self) -> int:
        return len(self._others) + sum(map(len, self._runs.values())) // GUID_BYTES

    def _guids(self) -> Iterator[str]:
        for first in sorted(self._runs):
            run = self._runs[first]
            for at in range(0, len(run), GUID_BYTES):
                yield guid_of_bytes(run[at : at + GUID_BYTES])


def ascending(ids: Iterable[str]) -> Iterable[str]:
    """Give ids in ascending order; those of an `IdSet` without a list of them."""
    return ids if isinstance(ids, IdSet) else sorted(ids)


def place_in(run: bytes | bytearray, packed: bytes, width: int = GUID_BYTES) -> int:
    """Give the byte at which an id stands, or would stand, in a run of entries of `width` bytes that begin with one."""
    low, high = 0, len(run) // width
    while low < high:
        middle = (low + high) // 2
        if run[middle * width : middle * width + GUID_BYTES] < packed:
            low = middle + 1
        else:
            high = middle
    return low * width
