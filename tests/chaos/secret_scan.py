"""Which words may stand where: everything that a run writes is held against this, as it is written and at the end."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.acceptance.stack import PUBLIC_QUEUES

NOTES = tuple(f"{queue}-poison" for queue in PUBLIC_QUEUES)
_SELECTOR = re.compile(r"[0-9a-f-]{36}/selector\.json")
_LISTING = re.compile(r"[0-9a-f-]{36}/(manifest\.json|files/\d+\.jsonl)")
_PLAN = re.compile(r"[0-9a-f-]{36}/plan\.json")


class Stage(Enum):
    """Whether requests are still at work, or all of them have ended."""

    RUNNING = "running"
    ENDED = "ended"


@dataclass
class Scan:
    """
    Looks for `keys` (nowhere at all), `personal` (values and tags of people), `names` (of projects, of publications).

    `ledger`, `packages`: names of the two containers. `found`: what is wrong, by place; never the word itself, so that
    a report of this scan is none of its findings. `looked_at`: how often each kind of place was looked at.
    """

    ledger: str
    packages: str
    keys: Mapping[str, str]
    personal: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    looked_at: dict[str, int] = field(default_factory=dict)
    seen_where_allowed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def blob(self, path: str, content: bytes, stage: Stage, metadata: Mapping[str, str] | None = None) -> None:
        """Look at a blob: its path (container first), content and metadata."""
        container, _, name = path.partition("/")
        self._look("names of blobs", f"the name of a blob in {container}", path.encode(), personal=False, names=False)
        told = repr(sorted((metadata or {}).items())).encode()
        self._look("metadata", f"the metadata of {path}", told, personal=False, names=False)
        personal, names = self._allowed(container, name, stage)
        self._look(f"blobs of {self._kind(container)}", path, content, personal=personal, names=names)

    def message(self, queue: str, text: str, stage: Stage) -> None:
        """
        Look at a queue message.

        One that the host has given up lies in the poison queue as it was sent, until a note is put in its place.
        """
        is_given_up = stage is Stage.RUNNING and queue in NOTES and "message_sha256" not in text
        public = queue in PUBLIC_QUEUES or is_given_up
        self._look("messages", f"a message on {queue}", text.encode(), personal=public, names=public)

    def text(self, place: str, text: str) -> None:
        """Look at a log, or at an answer."""
        self._look(place.split(" of ")[0], place, text.encode(), personal=False, names=False)

    def _allowed(self, container: str, name: str, stage: Stage) -> tuple[bool, bool]:
        """Whether personal values and whether names may be in a blob."""
        if container == self.packages:
            return not _LISTING.fullmatch(name), True
        if container != self.ledger or stage is Stage.ENDED:
            return False, False
        if _SELECTOR.fullmatch(name):
            return True, True
        return False, bool(_PLAN.fullmatch(name))

    def _kind(self, container: str) -> str:
        return {self.ledger: "the ledger", self.packages: "packages"}.get(container, "the host")

    def _look(self, kind: str, place: str, content: bytes, *, personal: bool, names: bool) -> None:
        lower = content.lower()
        wrong = [what for what, word in self.keys.items() if word.lower().encode() in lower]
        wrong += self._held(lower, self.personal, allowed=personal, what="a personal value", kind=kind)
        wrong += self._held(lower, self.names, allowed=names, what="a name", kind=kind)
        with self._lock:
            self.looked_at[kind] = self.looked_at.get(kind, 0) + 1
            self.found |= {f"{place} holds {what}" for what in wrong}

    def _held(self, content: bytes, words: Iterable[str], *, allowed: bool, what: str, kind: str) -> list[str]:
        if allowed and kind in self.seen_where_allowed:
            return []  # nothing more to learn, of pictures and rows by the hundred
        if not any(word.encode() in content for word in tuple(words)):
            return []
        if allowed:
            with self._lock:
                self.seen_where_allowed.add(kind)
            return []
        return [what]
