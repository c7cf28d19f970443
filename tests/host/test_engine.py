"""The worker library is the one that was tested: a new version must fail here before it runs anything."""

import importlib.metadata
import inspect
import json
import subprocess
import sys
from pathlib import Path

import azure_functions_runtime as worker
import pytest
from azure_functions_runtime import native_invocation
from azure_functions_runtime.bindings.datumdef import Datum

from local.functions_host import engine

ROOT = Path(__file__).resolve().parents[2]


def test_the_library_has_the_version_that_was_tested() -> None:
    assert importlib.metadata.version("azure-functions-runtime") == engine.TESTED_VERSION


def test_requirements_pin_that_version() -> None:
    assert f"azure-functions-runtime=={engine.TESTED_VERSION}" in (ROOT / "requirements-dev.txt").read_text().split()


@pytest.mark.parametrize(
    ("function", "parameters", "is_async"),
    [
        (worker.start_threadpool_executor, [], False),
        (worker.worker_init_request, ["request"], True),
        (worker.functions_metadata_request, ["request"], True),
        (Datum.__init__, ["self", "value", "type"], False),
    ],
)
def test_what_the_engine_uses_has_the_expected_form(function: object, parameters: list[str], is_async: bool) -> None:
    assert callable(function)
    assert list(inspect.signature(function).parameters) == parameters
    assert inspect.iscoroutinefunction(function) is is_async


def test_an_invocation_takes_and_gives_what_the_engine_expects() -> None:
    function = native_invocation.invocation_request_native
    first = list(inspect.signature(function).parameters)[:4]
    assert first == ["invocation_id", "function_id", "inputs", "trigger_metadata"]
    assert inspect.iscoroutinefunction(function)
    assert worker.invocation_id_cv.get() is None


def test_only_the_engine_imports_the_library() -> None:
    modules = (ROOT / "local").rglob("*.py")
    importing = [
        path.name
        for path in modules
        if "node_modules" not in path.parts and "azure_functions_runtime" in _imports(path)
    ]
    assert importing == ["engine.py"]


def _imports(path: Path) -> str:
    lines = path.read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith(("import ", "from ")))


PROBE = """
import asyncio, json, sys
from pathlib import Path
from local.functions_host import engine
from local.functions_host.values import Datum, HttpRequestData

async def main(folder):
    sys.path[:] = [*sys.path[1:], folder]  # the folder this runs in holds an app too
    listed = {item.name: item for item in await engine.load_app(Path(folder))}
    request = Datum("http", HttpRequestData("POST", "http://x/", {"a": "b"}, {"q": "1"}, {"id": "5"}, b"body"))
    done = {}
    for name in listed:
        function = listed[name].function_id
        done[name] = await engine.invoke("abc", function, [("req", request)], {})
    good, bad, leaves = done["good"], done["bad"], done["leaves"]
    print(json.dumps({
        "bindings": [binding["type"] for binding in listed["good"].bindings],
        "status": good.returned.value.status,
        "body": good.returned.value.body.decode(),
        "outputs": [[name, datum.kind] for name, datum in good.outputs],
        "error": [bad.succeeded, bad.error_type, bad.error_place.rpartition("/")[2]],
        "leaves": [leaves.succeeded, leaves.error_type],
    }))

asyncio.run(main(sys.argv[1]))
"""

APP = """
import sys
import azure.functions as func
app = func.FunctionApp()

@app.route()
@app.queue_output(arg_name="out", queue_name="q", connection="C")
def good(req: func.HttpRequest, out: func.Out[bytes]) -> func.HttpResponse:
    out.set(b"x")
    return func.HttpResponse(f"{req.method} {req.get_body()!r} {req.params['q']} {req.route_params['id']}")

@app.route()
async def bad(req: func.HttpRequest) -> func.HttpResponse:
    raise LookupError("hidden")

@app.route()
def leaves(req: func.HttpRequest) -> func.HttpResponse:
    sys.exit(3)
"""


def test_an_app_is_indexed_and_run_through_the_library(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP)
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    seen = json.loads(ran.stdout.splitlines()[-1])
    assert sorted(seen["bindings"]) == ["http", "httpTrigger", "queue"]
    assert (seen["status"], seen["body"]) == (200, "POST b'body' 1 5")
    assert seen["outputs"] == [["out", "bytes"]]
    assert seen["error"] == [False, "LookupError", "function_app.py:14 in bad"]
    assert seen["leaves"] == [False, "SystemExit"]
