"""
Reads addresses in turn over one kept connection until standard input closes, then prints how long each read took.

`python -m benchmarks.status_reader PORT PATH…`: a process of its own, so that nothing of the bench delays the reading.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from http.client import HTTPConnection

PAUSE_SECONDS = 0.05


def main() -> None:
    """Read until the end of standard input; JSON of path → milliseconds of each answer 200, in order."""
    port, *paths = sys.argv[1:]
    over = threading.Event()
    threading.Thread(target=_until_closed, args=(over,), daemon=True).start()
    json.dump(read(int(port), paths, over), sys.stdout)


def read(port: int, paths: Sequence[str], over: threading.Event) -> dict[str, list[float]]:
    """Read the paths in turn, with a pause between two reads; a status other than 200 or 404 is a RuntimeError."""
    connection, took = HTTPConnection("127.0.0.1", port, timeout=60), defaultdict[str, list[float]](list)
    while not over.is_set():
        for path in paths:
            began = time.perf_counter()
            connection.request("GET", path)
            with connection.getresponse() as answer:
                answer.read()
            if answer.status == 200:
                took[path].append((time.perf_counter() - began) * 1000)
            elif answer.status != 404:  # a request that has not been posted yet
                raise RuntimeError(f"{path} answered {answer.status}")
            over.wait(PAUSE_SECONDS)
    return dict(took)


def _until_closed(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


if __name__ == "__main__":
    main()
