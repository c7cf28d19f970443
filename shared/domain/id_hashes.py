"""Hashes by id in little space: those of all rows of a project that are meant, while it is planned. Pure."""

from __future__ import annotations

from collections.abc import Container

from shared.domain.id_set import place_in
from shared.domain.identifiers import GUID_BYTES, guid_of_bytes, guid_to_bytes
from shared.domain.work import HASH_BYTES

_ENTRY = GUID_BYTES + HASH_BYTES


class IdHashes:
    """Hashes of `HASH_BYTES` each by GUID, in some 36 bytes a pair; what is no GUID is not kept."""

    def __init__(self) -> None:
        self._runs: dict[int, bytearray] = {}

    def put(self, item_id: str, row_hash: bytes) -> None:
        """Keep a hash, in place of the one before."""
        packed = guid_to_bytes(item_id)
        if packed is not None:
            run = self._runs.setdefault(packed[0], bytearray())
            at = place_in(run, packed, _ENTRY)
            run[at : at + self._length_at(run, at, packed)] = packed + row_hash

    def discard(self, item_id: str) -> None:
        """Forget an id's hash, if there is one."""
        packed = guid_to_bytes(item_id)
        if packed is not None and (run := self._runs.get(packed[0])):
            at = place_in(run, packed, _ENTRY)
            del run[at : at + self._length_at(run, at, packed)]

    def get(self, item_id: str) -> bytes | None:
        """Give the hash kept for an id."""
        packed = guid_to_bytes(item_id)
        if packed is None or not (run := self._runs.get(packed[0])):
            return None
        at = place_in(run, packed, _ENTRY)
        return bytes(run[at + GUID_BYTES : at + _ENTRY]) if self._length_at(run, at, packed) else None

    def retain(self, ids: Container[str]) -> None:
        """Forget all but some ids."""
        for run in self._runs.values():
            for at in range(len(run) - _ENTRY, -1, -_ENTRY):
                if guid_of_bytes(run[at : at + GUID_BYTES]) not in ids:
                    del run[at : at + _ENTRY]

    @staticmethod
    def _length_at(run: bytearray, at: int, packed: bytes) -> int:
        """Give how many bytes of a run are the id's own: an entry, or none."""
        return _ENTRY if run[at : at + GUID_BYTES] == packed else 0
