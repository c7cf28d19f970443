"""What is looked at while a file's bytes pass: digests, JSON, and links that must not be there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from local.verify_package.places import parsed

LARGEST_JSON = 8 * 1024 * 1024
LONGEST_LINE = 32 * 1024 * 1024
OVERLAP = 4096

_AND = rb"(?:[?&]|&amp;|&#38;|\\u0026|%26|%3f)"
_SIGNATURE = re.compile(_AND + rb"sig(?:=|%3d|\\u003d)", re.IGNORECASE)
_STORAGE = re.compile(
    rb"https?:(?:\\?/){2}[^\s/\"'<>\\]{1,253}\.(?:blob|queue)\.(?:core\.|storage\.azure\.)",
    re.IGNORECASE,
)


class Watcher(Protocol):
    """Sees a file's bytes pass and says afterwards what was wrong with them."""

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        ...

    def wrong(self) -> Iterator[str]:
        """Give what was wrong, once all bytes have passed."""
        ...


class Digests:
    """Size, MD5 and SHA-256 against a file's row; a digest that is null there is not compared."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = row
        self._size = 0
        self._hashes = {
            name: hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha256") if row[name] is not None
        }

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        self._size += len(chunk)
        for digest in self._hashes.values():
            digest.update(chunk)

    def wrong(self) -> Iterator[str]:
        """Give what differs."""
        if self._size != self._row["bytes"]:
            yield f"has {self._size:,} bytes, the manifest says {self._row['bytes']:,}"
        for name, digest in self._hashes.items():
            if digest.hexdigest() != self._row[name]:
                yield f"its {name.upper()} is not the one in the manifest"


class JsonLines:
    """Every line must be a JSON object; each is handed to `take`."""

    def __init__(self, take: Callable[[dict[str, Any]], object]) -> None:
        self._take = take
        self._rest = bytearray()
        self._number = 0
        self._bad: list[int] = []

    def feed(self, chunk: bytes) -> None:
        """Look at the lines that are complete by now."""
        self._rest += chunk
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        for line in lines:
            self._line(bytes(line))
        if len(self._rest) > LONGEST_LINE:
            self._line(b"")
            self._rest.clear()

    def _line(self, line: bytes) -> None:
        self._number += 1
        try:
            row = parsed(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            self._take(row)
        elif len(self._bad) < 5:
            self._bad.append(self._number)

    def wrong(self) -> Iterator[str]:
        """Name the first lines that are no JSON objects."""
        if self._rest:
            self._line(bytes(self._rest))
        if self._bad:
            yield f"line {', '.join(map(str, self._bad))} is no JSON object"


class WholeJson:
    """A JSON document, handed to `take`; one larger than 8 MiB is not parsed, and `skip` is told its size."""

    def __init__(self, take: Callable[[Any], object], skip: Callable[[int], object]) -> None:
        self._take, self._skip = take, skip
        self._size = 0
        self._content = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Keep the bytes, unless they are too many."""
        self._size += len(chunk)
        if self._size > LARGEST_JSON:
            self._content.clear()
        else:
            self._content += chunk

    def wrong(self) -> Iterator[str]:
        """Say whether it is JSON."""
        if self._size > LARGEST_JSON:
            self._skip(self._size)
            return
        try:
            value = parsed(self._content)
        except ValueError:
            yield "is no JSON"
            return
        self._take(value)


class Links:
    """Signatures and storage addresses, in the spellings of JSON, HTML and URLs; data must hold none."""

    def __init__(self) -> None:
        self._tail = b""
        self._found: set[str] = set()

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes, and at those where two chunks meet."""
        text = self._tail + chunk
        if _SIGNATURE.search(text):
            self._found.add("holds a signed link (sig=)")
        if _STORAGE.search(text):
            self._found.add("holds a link to a storage account")
        self._tail = text[-OVERLAP:]

    def wrong(self) -> Iterator[str]:
        """Say what was found, never the link."""
        yield from sorted(self._found)
