"""`python -m benchmarks`: measure, and print tables. Ratios first; nothing here passes or fails."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence

from benchmarks.plan import Plan
from benchmarks.report import machine
from benchmarks.scenarios import SCENARIOS
from benchmarks.surroundings import running_surroundings

_FULL, _QUICK = Plan((2000, 20000), 3), Plan((200, 1000), 1, 0.02)
_USUAL = ("import", "export", "latency", "package", "erasure", "hops", "idle", "status", "copies")
_QUICKLY = ("import", "export", "package", "erasure")


def main() -> None:
    """Run the scenarios one after the other; each prints its tables when it is done."""
    asked = _arguments()
    usual = _QUICK if asked.quick else _FULL
    plan = Plan(sorted(asked.images or usual.images), asked.runs or usual.runs, asked.scale or usual.scale)
    print(machine(), flush=True)
    with running_surroundings() as around:
        for name in _names(asked):
            began = time.monotonic()
            for table in SCENARIOS[name](plan, around):
                print(table)
            print(f"({name}: {time.monotonic() - began:.0f} s)\n", flush=True)


def _names(asked: argparse.Namespace) -> Sequence[str]:
    if asked.only:
        return list(asked.only)
    if asked.all:
        return list(SCENARIOS)
    return _QUICKLY if asked.quick else _USUAL


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return int(text)


def _scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError("must be a number above 0")
    return value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", "--scenario", nargs="+", choices=sorted(SCENARIOS), help="only these")
    parser.add_argument("--all", action="store_true", help="the long ones too: hosts, rate, jobs, large, large-package")
    parser.add_argument("--images", nargs="+", type=_count, metavar="N", help="numbers of images (default 2000 20000)")
    parser.add_argument("--runs", type=_count, metavar="N", help="runs of what is cheap, for medians (default 3)")
    parser.add_argument("--scale", type=_scale, metavar="X", help="the size of scenarios that do not take --images")
    parser.add_argument(
        "--quick", action="store_true", help="200 and 1,000 images, one run each, no waiting: under a minute"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
