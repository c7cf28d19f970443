"""`python -m local.custom_vision`: the emulator in the foreground, until SIGTERM or SIGINT."""

import argparse
import logging
import os
import signal
import sys
import threading

from local.custom_vision.emulator import PREDICTION_KEY, TRAINING_KEY
from local.custom_vision.server import make_server

DEFAULT_PORT = "7080"
_ENVIRONMENT = f"""\
environment:
  EMULATOR_PORT            port on 127.0.0.1 (default {DEFAULT_PORT}; 0 = the system picks one)
  EMULATOR_STORAGE         connection string of the storage account for images (default: in memory, own blob route)
  EMULATOR_TRAINING_KEY    key of the Training API (default {TRAINING_KEY})
  EMULATOR_PREDICTION_KEY  key of the Prediction API (default {PREDICTION_KEY})
  EMULATOR_PUBLIC_URL      URL that stands in links of the own blob route (default: the emulator's)
"""


def main() -> int:
    """Serve until told to stop; 0 after an orderly stop, 1 if the port cannot be had."""
    argparse.ArgumentParser(
        prog="python -m local.custom_vision",
        description="Emulator of the Azure Custom Vision Training and Prediction API, on this machine only.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("azure").setLevel(logging.WARNING)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        server = make_server(
            _port(os.environ.get("EMULATOR_PORT") or DEFAULT_PORT),
            os.environ.get("EMULATOR_STORAGE") or None,
            os.environ.get("EMULATOR_TRAINING_KEY") or TRAINING_KEY,
            os.environ.get("EMULATOR_PREDICTION_KEY") or PREDICTION_KEY,
            os.environ.get("EMULATOR_PUBLIC_URL") or None,
        )
    except (OSError, ValueError) as problem:
        print(f"The Custom Vision emulator cannot start: {problem}", file=sys.stderr)
        return 1
    serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    print(f"Custom Vision emulator is listening at {server.url}", flush=True)
    stopped.wait()
    server.stop()
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError("EMULATOR_PORT must be a port of 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
