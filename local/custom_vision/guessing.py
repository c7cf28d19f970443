"""Invented predictions: plausible in shape, and the same for the same bytes and tags every time."""

import hashlib

from local.custom_vision.model import Guess, Tag

_SPAN = float(2**32)


def guesses(sha256: str, tags: list[Tag], *, detection: bool) -> tuple[Guess, ...]:
    """One guess for every tag, most probable first; `sha256` stands for the picture.

    Classification: one tag takes nearly all. Object detection: every guess has a box of its own.
    """
    scored = sorted(((_fraction(sha256, tag.id), tag) for tag in tags), key=lambda pair: pair[0], reverse=True)
    return tuple(_guess(sha256, tag, rank, score, detection) for rank, (score, tag) in enumerate(scored))


def uncertainty(found: tuple[Guess, ...]) -> float:
    """0 for a sure prediction, 1 for one that knows nothing."""
    return 1.0 - max((guess.probability for guess in found), default=0.0)


def _guess(sha256: str, tag: Tag, rank: int, score: float, detection: bool) -> Guess:
    # Losers get tiny numbers, which JSON writes in exponent form as the service does.
    probability = 0.9 + score / 10.001 if rank == 0 or detection else score * 1e-12
    return Guess(probability, tag.id, tag.name, tag.type, _box(sha256, tag) if detection else None)


def _box(sha256: str, tag: Tag) -> tuple[float, float, float, float]:
    left, top = (_fraction(sha256, tag.id + side) / 2 for side in ("left", "top"))
    width, height = (0.1 + _fraction(sha256, tag.id + side) * 0.4 for side in ("width", "height"))
    return left, top, width, height


def _fraction(sha256: str, salt: str) -> float:
    digest = hashlib.sha256(f"{sha256}{salt}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / _SPAN
