"""The endpoint as a child process, and the bench's own words with it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from local.azurite.accounts import ACCOUNT_KEYS, connection_string

_ROOT = Path(__file__).resolve().parents[2]
_OPENER = build_opener(ProxyHandler({}))


class BlobEndpoint:
    """A running endpoint. What is asked here is not counted."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def connection_string(self, account: str) -> str:
        """Give the connection string of an account; no key is checked."""
        return connection_string(account, ACCOUNT_KEYS[account], {"blob": self.port})

    def counts(self) -> dict[str, Any]:
        """Give calls by "account operation", and the most connections at a time."""
        return dict(json.loads(self._call("counts")))

    def open_connections(self) -> int:
        """Give how many connections are open besides this call's own."""
        return int(self.counts()["open"]) - 1

    def reset(self) -> None:
        """Count from zero."""
        self._call("reset")

    def set_latency(self, milliseconds: float) -> None:
        """Let every call wait so long."""
        self._call("set", {"latency_ms": milliseconds})

    def set_bad_copies(self, **shares: float) -> None:
        """Let shares of the copies come late or be refused, see `BadCopies`; nothing: all are well again."""
        self._call("bad", shares)

    def names(self, path: str) -> list[str]:
        """List blobs by "account/container/prefix"."""
        return list(json.loads(self._call(f"names/{path}")))

    def peek(self, path: str) -> bytes | None:
        """Read a blob by "account/container/name"; None if absent."""
        try:
            return self._call(f"peek/{path}")
        except HTTPError as refused:
            with refused:
                return None

    def _call(self, route: str, body: Mapping[str, object] | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        with _OPENER.open(Request(f"{self.url}/__{route}", data), timeout=60) as answer:
            return bytes(answer.read())


@contextlib.contextmanager
def running_endpoint() -> Iterator[BlobEndpoint]:
    """Run an endpoint on a free port; it ends with the block, and with this process."""
    command = [sys.executable, "-m", "benchmarks.blob_endpoint"]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield BlobEndpoint(int(line.split()[1]))
        finally:
            process.kill()
