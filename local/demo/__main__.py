"""`python -m local.demo`: run the main job and prove it. Exit code 0 = every check holds, 1 = not, 130 = stopped."""

import argparse
import os
import shutil
import signal
import sys
import time
from types import FrameType

from local.azurite.command import AzuriteMissingError
from local.azurite.server import AzuriteStartError
from local.demo import words
from local.demo.app import App, UnexpectedAnswerError
from local.demo.console import Console
from local.demo.evidence import shown_path
from local.demo.photographs import FILL_PROBLEMS
from local.demo.scenes import DEFAULT_IMAGES, FEWEST_IMAGES, ImagesSettingError, images_wanted
from local.demo.story import CLEANED, Story
from local.demo.surroundings import HURRY, chosen_ports, running_surroundings
from local.functions_host.process import HostDidNotStart
from local.pieces import DEFAULT_HOST_PORT, Ports, PortSettingError, data_folder, ports_from

STOPPED = 130
PROBLEMS = (
    AzuriteMissingError,
    AzuriteStartError,
    ImagesSettingError,
    PortSettingError,
    UnexpectedAnswerError,
    *FILL_PROBLEMS,
)


def main() -> int:
    """Run the demo; the exit code. Ctrl-C and SIGTERM end everything that was started."""
    console = Console()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop_once)
    try:
        port, images = _arguments()
        return run(console, ports_from(os.environ, port), images)
    except KeyboardInterrupt:
        console.line("\nStopped. Everything that was started has ended.")
        return STOPPED
    except HostDidNotStart as problem:
        print(f"\ndemo: The Functions host did not start: {problem}", file=sys.stderr)
        return 1
    except PROBLEMS as problem:
        print(f"\ndemo: {problem}", file=sys.stderr)
        return 1


def run(console: Console, wanted: Ports, images: int) -> int:
    """Start the pieces on the ports `wanted` or free ones, tell the story, stop them; 0 = every check holds, else 1."""
    began = time.monotonic()
    folder = data_folder(os.environ, "run")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ports, remarks = chosen_ports(wanted)
    console.line("Custom Vision GDPR: export everything, erase one person, prove both. Nothing leaves this machine.\n")
    for remark in (*remarks, "Starting Azurite, the Custom Vision emulator and the Functions host ...", HURRY):
        console.say(remark)
    with running_surroundings(ports, folder) as around, App(around.host) as app:
        holds = Story(around, app, console).tell(images)
    console.heading(words.afterwards(shown_path(folder), cleaned=(folder / CLEANED).exists()))
    verdict = "Every check holds." if holds else "A CHECK FAILED: see above."
    console.heading(f"{verdict} {time.monotonic() - began:.0f} seconds in all; nothing is left running.")
    return 0 if holds else 1


def _arguments() -> tuple[str, int]:
    """Return the host's port and how many images the command line, else the environment, wants."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="The main job and its proof.")
    parser.add_argument("--images", help=f"how many, {FEWEST_IMAGES} or more (default: DEMO_IMAGES, {DEFAULT_IMAGES})")
    parser.add_argument("--port", default=str(DEFAULT_HOST_PORT), help="where the Functions host listens")
    arguments = parser.parse_args()
    environ = os.environ if arguments.images is None else {"DEMO_IMAGES": arguments.images}
    return arguments.port, images_wanted(environ)


def _stop_once(*_: int | FrameType | None) -> None:
    """End the run; whoever presses Ctrl-C again must not disturb the cleaning up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
