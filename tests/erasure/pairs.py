"""Choosing cases so that every two values of two dimensions meet in one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product
from random import Random
from typing import Any

type Case = dict[str, Any]


def pairwise(
    dimensions: Mapping[str, Sequence[Any]], possible: Callable[[Case], bool] = lambda case: True
) -> list[Case]:
    """Give a small list of possible cases in which every pair of values that can meet does; always the same list."""
    cases = [dict(zip(dimensions, values, strict=True)) for values in product(*dimensions.values())]
    possible_cases = [case for case in cases if possible(case)]
    Random(0).shuffle(possible_cases)  # so that what pairs leave open varies too
    pairs_of = {number: _pairs(case) for number, case in enumerate(possible_cases)}
    missing = set().union(*pairs_of.values())
    chosen: list[Case] = []
    while missing:
        best = max(pairs_of, key=lambda number: (len(pairs_of[number] & missing), -number))
        chosen.append(possible_cases[best])
        missing -= pairs_of.pop(best)
    return chosen


def _pairs(case: Case) -> set[tuple[tuple[str, Any], tuple[str, Any]]]:
    return set(combinations(sorted(case.items(), key=lambda item: item[0]), 2))


def name_of(case: Case) -> str:
    """Give a name for a case."""
    return ", ".join(f"{name} {value}" for name, value in case.items())
