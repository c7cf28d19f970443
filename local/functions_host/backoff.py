"""How long to wait between two looks at an empty queue. Pure."""

from collections.abc import Callable

_LEAST_SECONDS = 0.1


class PollingBackoff:
    """100 ms after a message, then doubled with 20 % of chance either way, up to a maximum."""

    def __init__(self, most_seconds: float, chance: Callable[[], float]) -> None:
        """`chance` gives numbers from 0 to 1."""
        self._most = most_seconds
        self._chance = chance
        self._last: float | None = None

    def reset(self) -> None:
        """A message was found."""
        self._last = None

    def next_seconds(self) -> float:
        """The next wait, in seconds."""
        if self._last is None:
            self._last = _LEAST_SECONDS
        else:
            self._last = min(self._last * 2 * (0.8 + 0.4 * self._chance()), self._most)
        return self._last
