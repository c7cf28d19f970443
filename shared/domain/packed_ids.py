"""Ids in little space: 8 bytes each, in one run of bytes. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from shared.domain.id_set import IdSet
from shared.domain.identifiers import guid, guid_to_bytes

ID_BYTES = 8
"""Of each id's 16 bytes; of two ids that share them one is taken for the other."""


@dataclass(frozen=True)
class PackedIds:
    """Ids (GUIDs), cut to 8 bytes each, in ascending order, each once."""

    content: bytes = b""

    @classmethod
    def of(cls, ids: Iterable[str]) -> Self:
        """Pack ids; what is no GUID is left out."""
        content, last = bytearray(), b""
        for item in IdSet(filter(None, map(guid, ids))):
            last, before = _cut(item), last
            content += b"" if last == before else last
        return cls(bytes(content))

    def __len__(self) -> int:
        return len(self.content) // ID_BYTES

    def __getitem__(self, at: int) -> bytes:
        return self.content[at * ID_BYTES : (at + 1) * ID_BYTES]

    def __iter__(self) -> Iterator[bytes]:
        return (self[at] for at in range(len(self)))

    def has(self, item_id: str) -> bool:
        """Whether an id may be among them; False is certain."""
        return guid(item_id) is not None and self._has(_cut(item_id))

    def has_all_of(self, others: PackedIds) -> bool:
        """Whether all of other ids may be among them; False is certain."""
        return all(map(self._has, others))

    def _has(self, wanted: bytes) -> bool:
        at = bisect_left(self, wanted)
        return at < len(self) and self[at] == wanted


def _cut(item_id: str) -> bytes:
    return (guid_to_bytes(item_id.lower()) or b"")[:ID_BYTES]
