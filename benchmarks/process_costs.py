"""What a process costs, as Linux counts it: CPU seconds, resident memory and its peak, with all its children."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds so far (user and system, ended children included); resident memory and its peak, in MiB."""

    cpu: float
    rss: float
    peak: float


def costs_of(pid: int) -> Costs:
    """Sum up a process and its children; the peaks are those of each process, so their sum is an upper bound."""
    found = [_costs(one) for one in tree(pid)]
    return Costs(sum(one.cpu for one in found), sum(one.rss for one in found), sum(one.peak for one in found))


def reset_peak(pid: int) -> None:
    """Let the peak of memory begin anew at what is resident now."""
    for one in tree(pid):
        (_PROC / str(one) / "clear_refs").write_text(_RESET_PEAK)


def tree(pid: int) -> Iterator[int]:
    """Give a process and everything below it."""
    yield pid
    for task in (_PROC / str(pid) / "task").iterdir():
        # A thread may end while its children are listed.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def _costs(pid: int) -> Costs:
    # The name, in brackets, may hold blanks; user, system and the ended children's time are the fields 14 to 17.
    ticks = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[11:15]
    status = dict(line.split(":", 1) for line in (_PROC / str(pid) / "status").read_text().splitlines())
    # One that has ended and was not collected yet has no memory to tell of.
    rss, peak = (int(status.get(name, "0 kB").split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return Costs(sum(map(int, ticks)) / _TICKS, rss, peak)
