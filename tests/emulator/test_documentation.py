"""The page about the emulator names everything that can be said to it."""

import re
from dataclasses import fields
from typing import get_args

import pytest

from local.custom_vision.commands import COMMANDS
from local.custom_vision.control import EmulatorControl
from local.custom_vision.faults import Fault, Kind
from local.custom_vision.seeding import SeedPlan
from local.custom_vision.server import RunningEmulator, running_emulator
from local.custom_vision.switches import Switches
from tests.emulator.conftest import ROOT

PAGE = (ROOT / "docs" / "emulator.md").read_text()
COUNTERS = {"seen", "hits"}
NAMES = {
    "commands": set(COMMANDS),
    "switches": set(Switches().as_dict()),
    "fields of a fault": {one.name for one in fields(Fault)} - COUNTERS,
    "kinds of faults": set(get_args(Kind)),
    "fields of seed": {one.name for one in fields(SeedPlan)},
}


@pytest.mark.parametrize("kind", NAMES)
def test_the_page_names_all(kind: str) -> None:
    assert {name for name in NAMES[kind] if f"`{name}`" not in PAGE} == set()


def test_the_page_names_no_switch_that_is_not_there() -> None:
    table = PAGE.partition("## Switches")[2].partition("## Faults")[0]
    named = {name for row in re.findall(r"^\| (`[^|]+)\|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == NAMES["switches"]


def test_the_defaults_on_the_page_are_the_defaults() -> None:
    table = PAGE.partition("## Switches")[2].partition("## Faults")[0]
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    told = {name: value.strip("`") for names, value in rows for name in re.findall(r"`(\w+)`", names)}
    for name, value in Switches().as_dict().items():
        plain = (
            str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
        )
        assert told[name] == plain, name


def test_the_lines_of_python_on_the_page_run() -> None:
    names = {
        "EmulatorControl": EmulatorControl,
        "running_emulator": running_emulator,
        "RunningEmulator": RunningEmulator,
    }
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, names)
    assert len(names["seeded"]["images"]) == 500  # type: ignore[index]
