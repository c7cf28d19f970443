"""What the tests of the demo share: emulators in this process, empty or filled."""

import socket
from collections.abc import Iterator

import pytest

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from local.demo.photographs import fill
from local.demo.scenes import FEWEST_IMAGES

TRAINING_SECONDS = 0.05


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """An empty emulator whose trainings are quick."""
    with running_emulator() as running:
        EmulatorControl(running.url).switch(training_seconds=TRAINING_SECONDS)
        yield running


@pytest.fixture
def control(emulator: RunningEmulator) -> EmulatorControl:
    """The way to change what the emulator holds behind the API's back."""
    return EmulatorControl(emulator.url)


@pytest.fixture(scope="session")
def filled() -> Iterator[RunningEmulator]:
    """An emulator with the demo's projects, to be read only."""
    with running_emulator() as running:
        EmulatorControl(running.url).switch(training_seconds=TRAINING_SECONDS)
        fill(running.url, running.key, FEWEST_IMAGES)
        yield running


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that something listens on for the length of the test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
