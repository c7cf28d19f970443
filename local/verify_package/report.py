"""What a verification says: every finding as it is made, so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Report:
    """Tells findings and facts to `say`, line by line, and counts the findings. No value of a file is ever told."""

    say: Callable[[str], object] = print
    findings: int = 0
    unchecked: int = 0

    def finding(self, where: str, what: str) -> None:
        """Tell one thing that is wrong."""
        self.findings += 1
        self.say(f"WRONG  {where}: {what}")

    def fact(self, text: str) -> None:
        """Tell what was checked."""
        self.say(f"       {text}")

    def left_out(self, text: str) -> None:
        """Tell what could not be checked and is no fault of the package."""
        self.unchecked += 1
        self.say(f"NOTE   {text}")
