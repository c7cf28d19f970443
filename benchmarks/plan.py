"""How much a run measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """
    Numbers of images and of runs, and a scale.

    `images` and `runs` are those of the exports beside yardsticks; every other scenario has a size of its own, which
    `scale` makes smaller.
    """

    images: Sequence[int]
    runs: int
    scale: float = 1.0

    def scaled(self, size: int, least: int = 1) -> int:
        """Give a scenario's own size in this run, `least` at the least."""
        return max(least, round(size * self.scale))
