"""Talking to the person at the terminal."""

import sys
import textwrap
import time
from typing import TextIO

_WIDTH = 100
_SECONDS_BETWEEN_LINES = 1.0
INDENT = "   "


class Console:
    """Plain lines, and progress: one line that changes on a terminal, else at most a line a second."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._in_place = out.isatty()
        self._shown = ""
        self._shown_at = float("-inf")

    def heading(self, text: str) -> None:
        """Begin a part of the run."""
        self.line(f"\n{text}")

    def say(self, text: str) -> None:
        """Tell something in running text, wrapped and indented."""
        self.line(textwrap.fill(text, _WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False))

    def show(self, text: str) -> None:
        """Show prepared lines as they are, indented."""
        self.line(textwrap.indent(text, INDENT))

    def line(self, text: str) -> None:
        """Write text as it is."""
        print(text, file=self._out, flush=True)

    def progress(self, text: str) -> None:
        """Show how far something is."""
        if text == self._shown:
            return
        if self._in_place:
            self._shown = text
            print(f"\r{INDENT}{text}\x1b[K", end="", file=self._out, flush=True)
        elif time.monotonic() - self._shown_at >= _SECONDS_BETWEEN_LINES:
            self._shown, self._shown_at = text, time.monotonic()
            self.show(text)

    def end_progress(self, text: str) -> None:
        """Show the last state of what was followed, and go to the next line."""
        if self._in_place:
            print(f"\r{INDENT}{text}\x1b[K", file=self._out, flush=True)
        elif text != self._shown:
            self.show(text)
        self._shown, self._shown_at = "", float("-inf")
