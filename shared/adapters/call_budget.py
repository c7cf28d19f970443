"""
How many calls a resource may get: `CallBudget`, asked before every exchange with Custom Vision.

`UnlimitedBudget` is for tests.
"""

from __future__ import annotations

from typing import Literal, Protocol

type Purpose = Literal["export", "erasure"]


class CallBudget(Protocol):
    """Permission to call one resource."""

    def acquire(self, purpose: Purpose) -> None:
        """
        Wait for the permission to make one call, a few seconds at most.

        Errors: `Throttled` with `retry_after` when it would take longer, `StorageUnavailable` when calls cannot be
        counted.
        """
        ...


class UnlimitedBudget:
    """Permits everything at once."""

    def acquire(self, purpose: Purpose) -> None:
        """Return."""
