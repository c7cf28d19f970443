"""`python -m benchmarks`: measure, and print tables. Ratios first; nothing here passes or fails."""

from __future__ import annotations

import argparse
import time

from benchmarks.report import machine
from benchmarks.scenarios import SCENARIOS, Plan
from benchmarks.surroundings import running_surroundings

_FULL, _QUICK = Plan((2000, 20000), 3), Plan((200, 1000), 1)
_LEFT_OUT_WHEN_QUICK = {"latency"}


def main() -> None:
    """Run the scenarios one after the other; each prints its tables when it is done."""
    asked = _arguments()
    usual = _QUICK if asked.quick else _FULL
    plan = Plan(sorted(asked.images or usual.images), asked.runs or usual.runs)
    print(machine(), flush=True)
    with running_surroundings() as around:
        for name in asked.scenario or _usual(quick=asked.quick):
            began = time.monotonic()
            for table in SCENARIOS[name](plan, around):
                print(table)
            print(f"({name}: {time.monotonic() - began:.0f} s)\n", flush=True)


def _usual(*, quick: bool) -> list[str]:
    return [name for name in SCENARIOS if not (quick and name in _LEFT_OUT_WHEN_QUICK)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--images", nargs="+", type=int, metavar="N", help="numbers of images (default 2000 20000)")
    parser.add_argument("--scenario", nargs="+", choices=sorted(SCENARIOS), help="only these (default: all)")
    parser.add_argument("--runs", type=int, metavar="N", help="runs of what is cheap, for medians (default 3)")
    parser.add_argument(
        "--quick", action="store_true", help="200 and 1,000 images, one run each, no latency: under a minute"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
