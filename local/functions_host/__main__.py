"""`python -m local.functions_host`: run a Functions app of the v2 model on this machine, in the foreground."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from local.functions_host import engine, logs
from local.functions_host.functions import HttpTrigger, define_functions
from local.functions_host.host import STORAGE, Host, HostPlan, describe_functions
from local.functions_host.host_json import read_host_options
from local.functions_host.server import open_socket
from local.functions_host.settings import (
    AppSettings,
    SettingsError,
    local_settings,
    local_values,
    merge_settings,
    read_json_file,
)

_HELP = """Settings come from the environment first, then from Values in local.settings.json.
Of this host alone: LOCAL_HOST_LEASE_SECONDS (600), LOCAL_HOST_DRAIN_SECONDS (30),
LOCAL_HOST_KEYS (none: no key is asked for). SIGTERM or Ctrl-C: what runs may end, then
exit code 0; a second signal ends at once."""


def main() -> None:
    """Parse the command line, serve, and leave with the exit code; one sentence on stderr when it cannot start."""
    arguments = _parse_arguments()
    try:
        code = asyncio.run(_serve(arguments))
    except (SettingsError, engine.AppRefused) as error:
        print(error, file=sys.stderr)
        code = 1
    logging.shutdown()
    sys.stdout.flush()
    # Functions that outlive the drain run in threads which an ordinary exit would wait for.
    os._exit(code)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.functions_host", description=__doc__, epilog=_HELP)
    parser.add_argument("--port", type=int, default=7071, help="port on 127.0.0.1, 0 for any free one (default 7071)")
    parser.add_argument("--app", type=Path, default=Path(), metavar="DIR", help="the app's folder (default: this one)")
    parser.add_argument("--no-local-settings", action="store_true", help="do not read local.settings.json")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop too when standard input ends")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> int:
    plan = await _make_plan(arguments.app.resolve(), arguments.no_local_settings)
    print(describe_functions(plan), flush=True)
    host = Host(plan)
    if arguments.until_stdin_closes:
        # Nothing is ever written there: readable means that the other end is gone.
        asyncio.get_running_loop().add_reader(sys.stdin, host.stop)
    return await host.serve(open_socket(arguments.port))


async def _make_plan(app_dir: Path, no_local_settings: bool) -> HostPlan:
    if not app_dir.is_dir():
        raise SettingsError(f"{app_dir} is not a folder.")
    values = {} if no_local_settings else local_values(read_json_file(app_dir / "local.settings.json"))
    os.environ.update(merge_settings(os.environ, {**values, "AzureWebJobsScriptRoot": str(app_dir)}))
    settings = AppSettings(os.environ)
    local = local_settings(settings)
    host_json = read_json_file(app_dir / "host.json")
    options = read_host_options(host_json, settings, os.process_cpu_count() or 1)
    logs.configure(debug=settings.is_true("PYTHON_ENABLE_DEBUG_LOGGING"))
    _enter(app_dir)
    indexed = await engine.load_app(app_dir)
    if not indexed:
        raise SettingsError(f"No functions found: {app_dir / 'function_app.py'} is missing or registers none.")
    functions, errors = define_functions(
        indexed, settings, route_prefix=options.route_prefix, has_extension_bundle=options.has_extension_bundle
    )
    if any(not isinstance(item.trigger, HttpTrigger) for item in functions) and not _has_storage(settings):
        raise SettingsError(f"The setting {STORAGE} is missing: triggers other than HTTP need it.")
    return HostPlan(app_dir, settings, local, options, dict(host_json.get("extensionBundle") or {}), functions, errors)


def _has_storage(settings: AppSettings) -> bool:
    return any(name.startswith(STORAGE.lower()) and settings[name] for name in settings)


def _enter(app_dir: Path) -> None:
    """Work in the app's folder, and look for modules there last, as Azure does on Flex Consumption."""
    started_in = str(Path.cwd())
    os.chdir(app_dir)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", started_in, str(app_dir))]
    sys.path.append(str(app_dir))


if __name__ == "__main__":
    main()
