"""The words of a run: the machine it ran on, and tables whose first columns are ratios."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

_PACKAGES = ("azure-functions", "azure-storage-blob", "azure-storage-queue", "requests", "urllib3")


class Table:
    """Rows of text under a title, as Markdown."""

    def __init__(self, title: str, head: Sequence[str]) -> None:
        self.title = title
        self._rows = [tuple(head)]

    def add(self, *cells: str) -> None:
        """Add a row; ValueError unless it has a cell for every column."""
        if len(cells) != len(self._rows[0]):
            raise ValueError(f"{len(cells)} cells for {len(self._rows[0])} columns")
        self._rows.append(cells)

    def __str__(self) -> str:
        """Give the Markdown."""
        widths = [max(map(len, column)) for column in zip(*self._rows, strict=True)]
        lines = [" | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in self._rows]
        rule = " | ".join("-" * (width - 1) + ":" for width in widths)
        return "\n".join([f"### {self.title}", "", *(f"| {line} |" for line in (lines[0], rule, *lines[1:])), ""])


def ratio(ours: float, theirs: float) -> str:
    """Give a ratio as a text; a dash where there is nothing to divide by."""
    return f"{ours / theirs:.2f}" if theirs else "-"


def machine() -> str:
    """Say where a run takes place: cores, Python, versions, and how busy the machine is with other work."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return (
        f"{os.process_cpu_count()} cores, {system}\n"
        f"{packages}\nload before the run (1, 5, 15 minutes): {load}\n"
        "Blobs: the lean endpoint of benchmarks/blob_endpoint (no signatures checked, copies share their bytes). "
        "Queues: Azurite. Custom Vision: the emulator.\n"
    )


def shares(title: str, kinds: Mapping[str, int], each: int, unit: str, most: int = 12) -> Table:
    """Give the most frequent of some calls, all together and for each of so many `unit`."""
    table = Table(title, ("calls", f"for each {unit}", "all"))
    total = sum(kinds.values())
    listed = sorted(kinds.items(), key=lambda pair: -pair[1])[:most]
    rest = total - sum(number for _, number in listed)
    for name, number in [("all", total), *listed, *([("others", rest)] if rest else [])]:
        table.add(name, f"{number / each:.2f}", str(number))
    return table
