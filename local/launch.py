"""`python -m local.launch PIECE`: become one piece of the local stack, in the foreground, with its environment."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping

from local.azurite.accounts import ACCOUNT_KEYS
from local.azurite.command import (
    AzuriteMissingError,
    azurite_arguments,
    azurite_environment,
    azurite_script,
    node_binary,
)
from local.development_settings import SETTINGS, ExampleMissingError, ensure_settings
from local.foreground import stop_with_make, stop_with_parent
from local.pieces import (
    DEFAULT_HOST_PORT,
    ROOT,
    Ports,
    PortSettingError,
    data_folder,
    emulator_environment,
    ports_from,
)
from local.sockets import listens, ports_in_use

type Program = tuple[list[str], dict[str, str]]
"""Command line and environment to become."""


class PortInUseError(RuntimeError):
    """Something else listens where the piece would; the text names the port."""


def azurite(environ: Mapping[str, str], ports: Ports) -> Program:
    """Return Azurite on its usual ports with its data kept in .local/azurite."""
    require_free({port: name for port, name in ports.named().items() if port in ports.azurite.values()})
    data = data_folder(environ, "azurite")
    data.mkdir(parents=True, exist_ok=True)
    say(f"Azurite with the accounts {' and '.join(ACCOUNT_KEYS)}, data in {data} ...")
    command = [node_binary(), str(azurite_script()), *azurite_arguments(ports.azurite, data)]
    return command, azurite_environment(environ)


def emulator(environ: Mapping[str, str], ports: Ports) -> Program:
    """Return the Custom Vision emulator, its images in Azurite if that listens."""
    require_free({ports.emulator: ports.named()[ports.emulator]})
    blob_port = ports.azurite["blob"]
    azurite_listens = listens(blob_port)
    if "EMULATOR_STORAGE" not in environ:
        where = f"Azurite on port {blob_port}" if azurite_listens else "itself, for no Azurite listens"
        say(f"Custom Vision emulator: it keeps its images in {where} ...")
    return python_module("local.custom_vision"), emulator_environment(environ, ports, azurite_listens=azurite_listens)


def host(environ: Mapping[str, str], ports: Ports) -> Program:
    """Return the Functions host on the port given, with a `local.settings.json` made if there is none."""
    require_free({ports.host: ports.named()[ports.host]})
    if ensure_settings(ROOT):
        say(f"{SETTINGS} made from its example, for the local stack.")
    say(f"Functions host: settings from the environment, then from {SETTINGS} ...")
    return python_module("local.functions_host", "--port", str(ports.host)), dict(environ)


def stack(environ: Mapping[str, str], ports: Ports) -> Program:
    """Return the whole stack."""
    return python_module("local.stack", "--port", str(ports.host)), dict(environ)


def demo(environ: Mapping[str, str], ports: Ports) -> Program:
    """Return the demo of the main job, which starts a stack of its own."""
    return python_module("local.demo", "--port", str(ports.host)), dict(environ)


PIECES: Mapping[str, Callable[[Mapping[str, str], Ports], Program]] = {
    "azurite": azurite,
    "emulator": emulator,
    "host": host,
    "stack": stack,
    "demo": demo,
}


def python_module(name: str, *arguments: str) -> list[str]:
    """Return the command line of a module in this Python."""
    return [sys.executable, "-m", name, *arguments]


def require_free(wanted: Mapping[int, str]) -> None:
    """Raise PortInUseError, naming the first of `wanted` (port to piece) that something else listens on."""
    for port in ports_in_use(wanted):
        raise PortInUseError(f"Port {port} is in use, and {wanted[port]} needs it: stop what listens there.")


def say(text: str) -> None:
    """Tell the person at the terminal, before the piece takes it over."""
    print(text, flush=True)


def main() -> None:
    """Become the piece named on the command line; exit 1 with one sentence if that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m local.launch", description=__doc__)
    parser.add_argument("piece", choices=PIECES)
    parser.add_argument("--port", default=str(DEFAULT_HOST_PORT), help="where the Functions host listens")
    arguments = parser.parse_args()
    stop_with_parent()
    try:
        command, environ = PIECES[arguments.piece](os.environ, ports_from(os.environ, arguments.port))
    except (AzuriteMissingError, ExampleMissingError, PortInUseError, PortSettingError) as problem:
        sys.exit(f"{arguments.piece}: {problem}")
    stop_with_make()
    os.chdir(ROOT)
    os.execvpe(command[0], command, environ)  # noqa: S606 - one of the programs above, no shell wanted


if __name__ == "__main__":
    main()
