"""Numbers that whoever runs the tests may give by the environment; make's variables become these."""

import math
import os

import pytest


def whole_number(name: str, variable: str, default: int, *, at_least: int = 1) -> int:
    """
    Give the number in the environment, `default` where there is none.

    `variable` is make's name of it. Raises `UsageError`, which ends the run with one sentence before any test begins.
    """
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) <= 18 and int(text) >= at_least):
        raise pytest.UsageError(f"{variable} must be a whole number from {at_least} on.")
    return int(text)


def number(name: str, default: float) -> float:
    """Give the number above 0 in the environment, `default` where there is none; `UsageError` if it is none."""
    try:
        value = float(os.environ.get(name) or default)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise pytest.UsageError(f"{name} must be a number above 0.")
    return value
