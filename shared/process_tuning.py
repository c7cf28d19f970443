"""What a process that imports the app sets for itself, wherever it runs: how it shares its time and its memory."""

from __future__ import annotations

import ctypes
import gc
import sys

TURN_SECONDS = 0.001
ARENAS = 2
SMALLEST_MAPPING = 128 * 1024

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8


def tune_process() -> None:
    """Make answers soon and memory flat; harmless when repeated, and where the C library knows nothing of it."""
    answer_soon()
    give_memory_back()


def answer_soon() -> None:
    """
    Let a status be answered soon while the same process exports.

    What was imported is never garbage: looking through it takes a full collection 40 ms, in which nothing else runs.
    And a thread that computes gives its turn away after 1 ms instead of 5: an answer needs about ten turns.
    """
    gc.freeze()
    sys.setswitchinterval(TURN_SECONDS)


def give_memory_back() -> bool:
    """
    Let the GNU C library return what is freed; False where it is another one (mallopt(3)).

    By itself it keeps memory apart for up to eight threads a core, and once a block of some MiB was freed it takes
    later ones of that size from there too: what zips had used stayed with the process, about 20 MiB.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return bool(mallopt(_M_ARENA_MAX, ARENAS)) and bool(mallopt(_M_MMAP_THRESHOLD, SMALLEST_MAPPING))
