"""The shape of the code, read from its syntax: who may import whom, where what is used, how long things are."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import shared

ROOT = Path(__file__).resolve().parent.parent
FUNCTION_FOLDERS = ("delete_function", "export_function", "request_function")
APP = (*FUNCTION_FOLDERS, "shared")
OURS = (*APP, "benchmarks", "local", "tests")
LONGEST_FUNCTION = 60
LONGEST_MODULE = 400

# Who may import what; every other module of the app that does is a defect.
USERS_OF_REQUESTS = {
    "shared.adapters.custom_vision",
    "shared.adapters.custom_vision_answers",
    "shared.adapters.custom_vision_caller",
    "shared.adapters.custom_vision_connection",
    "shared.adapters.http_exchange",
    "shared.adapters.lean_connections",
    "shared.adapters.picture_source",
    "shared.adapters.resource_manager",
    "shared.adapters.resource_manager_answers",
    "shared.adapters.streams",
}
USERS_OF_SOCKETS = USERS_OF_REQUESTS | {
    "shared.adapters.blob_direct_calls",  # calls past the SDK, which costs too much CPU a call
    "shared.adapters.storage_connection",  # sizes the SDK's own pool
}
USERS_OF_TOKENS = {
    "shared.adapters.custom_vision",
    "shared.adapters.custom_vision_caller",
    "shared.adapters.resource_manager",
}
READERS_OF_THE_CLOCK = {
    "shared.bootstrap",  # the clock that is handed to everybody else
    "shared.adapters.blob_direct_calls",  # when a token must be renewed, by the time that it was issued in
    "shared.adapters.blob_links",  # when a signing key must be renewed
}
EFFECTS = (
    "acceptance",
    "adapters",
    "bootstrap",
    "finishing",
    "fulfilment",
    "ledger",
    "lifecycle",
    "packages",
    "ports",
    "services",
)
USERS_OF_AZURE_FUNCTIONS = {
    "function_app",
    "shared.http_responses",
    *FUNCTION_FOLDERS,
    *(f"{folder}.{role}_trigger" for folder in FUNCTION_FOLDERS for role in ("http", "queue", "timer")),
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def app_modules() -> dict[str, Path]:
    paths = [path for folder in APP for path in (ROOT / folder).rglob("*.py")]
    return {name_of(path): path for path in [*sorted(paths), ROOT / "function_app.py"]}


def all_modules() -> dict[str, Path]:
    paths = [path for folder in OURS for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    return {name_of(path): path for path in [*sorted(paths), ROOT / "function_app.py"]}


def imported(path: Path) -> set[str]:
    """Give every module that a module imports, at any place in it; of `from a import b` both `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where something comes from"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def importers_of(*packages: str) -> set[str]:
    """Give the modules of the app that import any of some packages, or something in them."""
    return {
        name
        for name, path in app_modules().items()
        if any(is_in(found, package) for found in imported(path) for package in packages)
    }


def test_there_is_an_app_to_look_at() -> None:
    assert {*APP, "function_app", "shared.domain.work", "export_function.plan"} <= app_modules().keys()


def test_shared_is_ours_and_no_installed_package() -> None:
    paths = [Path(path).resolve() for path in shared.__path__]
    assert paths == [ROOT / "shared"]


def test_shared_knows_no_function_folder() -> None:
    assert not {name for name in importers_of(*FUNCTION_FOLDERS) if is_in(name, "shared")}


@pytest.mark.parametrize("folder", FUNCTION_FOLDERS)
def test_no_function_folder_knows_another(folder: str) -> None:
    others = [other for other in FUNCTION_FOLDERS if other != folder]
    assert not {name for name in importers_of(*others) if is_in(name, folder)}


def test_the_app_knows_nothing_of_what_is_never_deployed() -> None:
    assert not importers_of("local", "tests", "benchmarks")
    assert {"local", "tests", "benchmarks"} <= {line.strip("/") for line in (ROOT / ".funcignore").read_text().split()}


def test_only_bootstrap_imports_adapters() -> None:
    outside = {name for name in importers_of("shared.adapters") if not is_in(name, "shared.adapters")}
    assert outside == {"shared.bootstrap"}


def test_only_the_triggers_and_the_root_import_bootstrap() -> None:
    allowed = USERS_OF_AZURE_FUNCTIONS - {"shared.http_responses"}
    assert importers_of("shared.bootstrap") <= allowed | {"shared.bootstrap", "request_function.health"}


def test_the_domain_knows_the_domain_only() -> None:
    for name, path in app_modules().items():
        if is_in(name, "shared.domain"):
            ours = {found for found in imported(path) if found.split(".")[0] in OURS}
            assert all(is_in(found, "shared.domain") for found in ours), name


def test_adapters_know_the_domain_the_ports_and_no_more_of_ours() -> None:
    for name, path in app_modules().items():
        if is_in(name, "shared.adapters"):
            ours = {found for found in imported(path) if found.split(".")[0] in OURS}
            known = ("shared.adapters.", "shared.domain.", "shared.ports", "shared.reading_ahead.", "shared.settings.")
            assert all(f"{found}.".startswith(known) for found in ours), name


def test_the_http_library_is_used_by_the_http_adapters_only() -> None:
    assert importers_of("requests") <= USERS_OF_REQUESTS
    assert importers_of("httptools") == {"shared.adapters.lean_connections"}
    assert importers_of("urllib3", "urllib.request", "http.client", "socket", "ssl") <= USERS_OF_SOCKETS


def test_the_storage_sdks_are_used_by_the_storage_adapters_only() -> None:
    users = importers_of("azure.storage", "azure.identity", "azure.core") - USERS_OF_TOKENS
    assert not {name for name in users if not name.startswith(("shared.adapters.blob_", "shared.adapters.storage_"))}
    assert {"shared.adapters.blob_store", "shared.adapters.storage_queues"} <= users


def test_azure_functions_is_known_to_triggers_and_answers_only() -> None:
    assert importers_of("azure.functions") <= USERS_OF_AZURE_FUNCTIONS


@pytest.mark.parametrize("module", ["os", "dotenv"])
def test_the_environment_is_read_by_the_root_only(module: str) -> None:
    assert importers_of(module) <= {"function_app"}


def calls(path: Path) -> Iterator[str]:
    """Give every dotted name that a module calls."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_the_wall_clock_is_read_by_the_system_clock_only() -> None:
    readings = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
    readers = {name for name, path in app_modules().items() if readings.intersection(calls(path))}
    assert {"shared.bootstrap"} <= readers <= READERS_OF_THE_CLOCK


def test_nothing_outside_the_adapters_sleeps_or_opens_files() -> None:
    effects = {"time.sleep", "sleep", "open", "Path"}
    users = {name for name, path in app_modules().items() if effects.intersection(calls(path))}
    assert all(is_in(name, "shared.adapters") for name in users)


def test_the_domain_is_pure() -> None:
    impure = ["io", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "tempfile"]
    impure += ["threading", "time", "uuid.uuid4", "concurrent", "asyncio", "azure", "requests", "urllib3"]
    assert not {name for name in importers_of(*impure) if is_in(name, "shared.domain")}
    for name, path in app_modules().items():
        of_system = {found for found in imported(path) if is_in(found, "sys")}
        assert not is_in(name, "shared.domain") or of_system in (set(), {"sys", "sys.intern"}), name


def test_plans_manifests_and_results_are_pure() -> None:
    decisions = {name for name in app_modules() if name.endswith((".plan", ".manifest", ".result"))}
    assert {"export_function.plan", "export_function.manifest", "delete_function.plan"} <= decisions
    effects = importers_of(*(f"shared.{name}" for name in EFFECTS), "azure", "requests", "logging", "random")
    assert not decisions & effects


def test_every_function_of_the_app_says_what_it_takes_and_gives() -> None:
    for name, path in app_modules().items():
        for function in functions(path):
            assert function.returns is not None or function.name == "__init__", f"{name}.{function.name}"


type Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{name}.{function.name}: {lines} lines"
        for name, path in all_modules().items()
        for function in functions(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long


def test_nine_in_ten_functions_of_the_app_are_short() -> None:
    lengths = sorted(
        (function.end_lineno or 0) - function.lineno + 1
        for path in app_modules().values()
        for function in functions(path)
    )
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[len(lengths) * 9 // 10] <= 35


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in all_modules().items()}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE}


def handlers(path: Path) -> Iterator[ast.ExceptHandler]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            yield node


def test_no_error_of_any_kind_is_swallowed() -> None:
    for name, path in app_modules().items():
        for handler in handlers(path):
            everything = handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")
            raises = any(isinstance(node, ast.Raise) for node in ast.walk(handler))
            assert not everything or raises, f"{name}:{handler.lineno}"


def test_the_app_is_imported_without_any_setting() -> None:
    script = "import function_app, json; print(json.dumps(len(function_app.app.get_functions())))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) > 0
