"""The emulator's clock and the two ways in which the service writes dates."""

import time
from functools import lru_cache

TICKS_PER_SECOND = 10_000_000


class Clock:
    """Real time plus an offset that tests may move forward; all times are seconds since 1970, UTC."""

    def __init__(self) -> None:
        self._offset = 0.0

    def now(self) -> float:
        """Seconds since 1970 as the emulator sees them."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock forward, so that trainings, delayed deletions and link expiry need no waiting."""
        self._offset += seconds

    def reset(self) -> None:
        """Back to real time."""
        self._offset = 0.0


def ticks(seconds: float) -> int:
    """Seconds as ticks of 100 ns, the resolution of the service's image dates."""
    return int(seconds * TICKS_PER_SECOND)


def date_without_zone(value: int) -> str:
    """Date of an image, image tag or region: no `Z`, up to seven digits, trailing zeros dropped. Input: ticks."""
    whole, fraction = divmod(value, TICKS_PER_SECOND)
    text = _whole_seconds(whole)
    return f"{text}.{fraction:07d}".rstrip("0") if fraction else text


def date_with_zone(value: int) -> str:
    """Date of a project, iteration or prediction: `Z` and exactly three fractional digits. Input: ticks."""
    whole, fraction = divmod(value, TICKS_PER_SECOND)
    return f"{_whole_seconds(whole)}.{fraction // 10_000:03d}Z"


def date_of_link(seconds: float) -> str:
    """Expiry of a link (`se`): whole seconds with `Z`. Input: seconds."""
    return _whole_seconds(int(seconds)) + "Z"


@lru_cache(maxsize=4096)
def _whole_seconds(seconds: int) -> str:
    year, month, day, hour, minute, second, *_ = time.gmtime(seconds)
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
