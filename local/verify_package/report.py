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
        self.say(f"WRONG  {printable(where)}: {what}")

    def fact(self, text: str) -> None:
        """Tell what was checked."""
        self.say(f"       {text}")

    def left_out(self, text: str) -> None:
        """Tell what could not be checked and is no fault of the package."""
        self.unchecked += 1
        self.say(f"NOTE   {text}")


def printable(name: str) -> str:
    """Give a name on one line: what cannot be shown, or would change what is shown around it, as its code."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in name)
