"""Starting and stopping: what is printed, what is refused, how the host drains."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local.azurite.server import Azurite
from local.functions_host.process import HostDidNotStart, running_host
from tests.host.conftest import APPS, Queues, StartApp, app_settings, eventually

ROOT = Path(__file__).resolve().parents[2]
HTTP_ONLY = """
import os
@app.route(auth_level=func.AuthLevel.ANONYMOUS)
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(os.environ.get("GREETING", "none") + " " + os.getcwd())

@app.route()
def locked(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("open")
"""
QUEUE_ONLY = """
@app.queue_trigger(arg_name="msg", queue_name="orders", connection="AzureWebJobsStorage")
def work(msg: func.QueueMessage) -> None:
    return None
"""

type WriteApp = Callable[..., Path]


def run_host(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "local.functions_host", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_the_settings() -> None:
    ran = run_host("--help")
    assert ran.returncode == 0
    for word in ("--port", "--app", "LOCAL_HOST_LEASE_SECONDS", "LOCAL_HOST_DRAIN_SECONDS", "LOCAL_HOST_KEYS"):
        assert word in ran.stdout


def test_what_was_found_is_printed_before_the_address(write_app: WriteApp) -> None:
    with running_host(write_app(HTTP_ONLY), {}) as host:
        assert re.search(
            r"^Functions:\n  hello   http   any method /api/hello\n.*^Functions host is listening at http://127",
            host.log(),
            re.MULTILINE | re.DOTALL,
        )


def test_the_apps_folder_is_the_working_directory(write_app: WriteApp) -> None:
    folder = write_app(HTTP_ONLY)
    with running_host(folder, {"GREETING": "hi"}) as host:
        assert requests.get(f"{host.url}/api/hello", timeout=10).text == f"hi {folder}"


def test_values_of_local_settings_are_settings_and_the_environment_wins(write_app: WriteApp) -> None:
    folder = write_app(HTTP_ONLY)
    (folder / "local.settings.json").write_text('{"Values": {"GREETING": "file", "LOCAL_HOST_KEYS": "k"}}')
    command = [sys.executable, "-m", "local.functions_host", "--app", str(folder), "--port", "0"]
    for environment, greeting in (({}, "file"), ({"GREETING": "shell"}, "shell")):
        with subprocess.Popen(
            command, cwd=ROOT, env={"PATH": os.environ["PATH"], **environment}, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "listening" in line)
            url = line.split()[-1]
            assert requests.get(f"{url}/api/hello", timeout=10).text.startswith(greeting)
            assert requests.get(f"{url}/api/locked", timeout=10).status_code == 401
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0


def test_an_installed_package_wins_over_a_folder_of_the_app(write_app: WriteApp) -> None:
    """As on Flex Consumption, where the app's folder comes last on the path."""
    folder = write_app(f"import pluggy, mine\nprint(pluggy.__file__, mine.__file__, flush=True)\n{HTTP_ONLY}")
    for name in ("pluggy", "mine"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").touch()
    with running_host(folder, {}) as host:
        installed, own = host.log().splitlines()[0].split()
    assert "site-packages" in installed
    assert own == str(folder / "mine" / "__init__.py")


@pytest.mark.parametrize(
    ("functions", "host_json", "settings", "sentence"),
    [
        (HTTP_ONLY, {}, {}, 'host.json must exist in the app\'s folder and hold "version": "2.0".'),
        (QUEUE_ONLY, None, {}, "The setting AzureWebJobsStorage is missing"),
        (QUEUE_ONLY, None, {"AzureWebJobsStorage": "nonsense"}, "is not a usable connection"),
        (
            HTTP_ONLY,
            None,
            {"LOCAL_HOST_DRAIN_SECONDS": "soon"},
            "LOCAL_HOST_DRAIN_SECONDS must be a number from 0 to 604800.",
        ),
        ("import not_there", None, {}, "ModuleNotFoundError"),
        ("", None, {}, "No functions found"),
        ("@app.route()\ndef f(req, extra): ...", None, {}, "cannot load the f function"),
        ("app2 = func.FunctionApp()" + HTTP_ONLY, None, {}, "More than one"),
    ],
)
def test_what_cannot_start_says_why_in_a_sentence(
    write_app: WriteApp, functions: str, host_json: Any, settings: dict[str, str], sentence: str
) -> None:
    folder = write_app(functions, host_json)
    ran = run_host("--app", str(folder), "--port", "0", environment=settings)
    assert ran.returncode == 1
    assert sentence in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


def test_a_list_annotation_that_the_worker_refuses_is_refused_here(write_app: WriteApp) -> None:
    app = """
@app.route()
@app.queue_output(arg_name="out", queue_name="q", connection="C")
def f(req: func.HttpRequest, out: func.Out[list[str]]) -> func.HttpResponse: ...
"""
    ran = run_host("--app", str(write_app(app)), "--port", "0")
    assert ran.returncode == 1
    assert "invalid non-type annotation" in ran.stderr


def test_a_port_in_use_is_said_in_a_sentence(write_app: WriteApp) -> None:
    folder = write_app(HTTP_ONLY)
    with running_host(folder, {}) as host:
        port = host.url.rpartition(":")[2]
        ran = run_host("--app", str(folder), "--port", port)
    assert ran.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in ran.stderr


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"x-functions-key": "one"}, "", 200),
        ({}, "?code=two", 200),
        ({"x-functions-key": "wrong"}, "?code=one", 401),  # the header wins
        ({"x-functions-key": ""}, "?code=one", 401),
        ({}, "?code=wrong", 401),
    ],
)
def test_configured_keys_are_asked_for(keyed_host: str, headers: dict[str, str], query: str, status: int) -> None:
    answer = requests.get(f"{keyed_host}/api/locked{query}", headers=headers, timeout=10)
    assert answer.status_code == status
    assert answer.content == (b"open" if status == 200 else b"")


@pytest.fixture(scope="module")
def keyed_host(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An app with two keys."""
    folder = tmp_path_factory.mktemp("keyed")
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(f"import azure.functions as func\napp = func.FunctionApp()\n{HTTP_ONLY}")
    with running_host(folder, {"LOCAL_HOST_KEYS": "one, two", "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "10"}) as host:
        yield host.url


def test_anonymous_functions_and_ping_need_no_key_and_admin_does(keyed_host: str) -> None:
    assert requests.get(f"{keyed_host}/api/hello", timeout=10).status_code == 200
    assert requests.get(f"{keyed_host}/admin/host/ping", timeout=10).status_code == 200
    assert requests.get(f"{keyed_host}/admin/host/status", timeout=10).status_code == 401
    assert requests.post(f"{keyed_host}/admin/functions/hello", json={}, timeout=10).status_code == 401
    assert requests.get(f"{keyed_host}/admin/functions?code=one", timeout=10).status_code == 200


def test_a_body_above_the_limit_is_413(keyed_host: str) -> None:
    assert requests.post(f"{keyed_host}/api/hello", data=b"x" * 10, timeout=10).status_code == 200
    assert requests.post(f"{keyed_host}/api/hello", data=b"x" * 11, timeout=10).status_code == 413


def test_an_unknown_route_is_404_even_without_a_key(keyed_host: str) -> None:
    assert requests.get(f"{keyed_host}/api/unknown", timeout=10).status_code == 404


def test_the_route_prefix_is_that_of_host_json(write_app: WriteApp) -> None:
    folder = write_app(HTTP_ONLY, {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}})
    with running_host(folder, {"AzureWebJobsDisableHomepage": "true"}) as host:
        assert requests.get(f"{host.url}/hello", timeout=10).status_code == 200
        assert requests.get(f"{host.url}/api/hello", timeout=10).status_code == 404
        assert requests.get(host.url, timeout=10).status_code == 204


@pytest.mark.azurite
def test_sigterm_lets_what_runs_end_and_refuses_the_new(start_app: StartApp, queues: Queues, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with start_app("kitchen") as host:
        queues.put("held", str(done))
        eventually(lambda: queues.length("held") == 1 and queues.peek("held") == [], "the delivery")
        os.kill(host.pid, signal.SIGTERM)
        eventually(lambda: "Stopping" in host.log(), "the drain")
        assert requests.get(f"{host.url}/api/items/1", timeout=10).status_code == 503
        queues.put("seen", "not fetched any more")
        done.touch()
        assert host.stop() == 0
        assert "holds succeeded" in host.log()
        assert "sees succeeded" not in host.log()
    assert queues.length("held") == 0
    assert len(queues.peek("seen")) == 1


@pytest.mark.azurite
def test_after_the_limit_the_rest_is_left_to_its_lease(start_app: StartApp, queues: Queues, tmp_path: Path) -> None:
    with start_app("kitchen", LOCAL_HOST_DRAIN_SECONDS="0.2") as host:
        queues.put("held", str(tmp_path / "never"))
        eventually(lambda: queues.length("held") == 1 and queues.peek("held") == [], "the delivery")
        assert host.stop() == 0
        assert "work still running" in host.log()
        assert "holds succeeded" not in host.log()
    assert queues.length("held") == 1


@pytest.mark.azurite
def test_a_second_signal_ends_at_once(start_app: StartApp, queues: Queues, tmp_path: Path) -> None:
    with start_app("kitchen", LOCAL_HOST_DRAIN_SECONDS="3600") as host:
        queues.put("held", str(tmp_path / "never"))
        eventually(lambda: queues.length("held") == 1 and queues.peek("held") == [], "the delivery")
        os.kill(host.pid, signal.SIGTERM)
        eventually(lambda: "Stopping" in host.log(), "the drain")
        assert host.stop() == 0
    assert queues.length("held") == 1


@pytest.mark.azurite
def test_a_request_that_runs_is_answered_before_the_end(start_app: StartApp, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with start_app("kitchen") as host, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(requests.get, f"{host.url}/api/waits", params={"until": str(done)}, timeout=30)
        eventually(tmp_path.joinpath("done.started").exists, "the start")
        os.kill(host.pid, signal.SIGTERM)
        eventually(lambda: "Stopping" in host.log(), "the drain")
        done.touch()
        assert answer.result().text == "done"
        assert host.stop() == 0


@pytest.mark.azurite
def test_a_killed_host_starts_again_at_the_same_address(azurite: Azurite, queues: Queues) -> None:
    with running_host(APPS / "kitchen", app_settings(azurite, queues)) as host:
        url = host.url
        host.kill()
        assert not host.is_running()
        host.restart()
        assert host.url == url
        assert requests.get(f"{url}/api/items/1", timeout=10).text == "any"
        assert host.stop() == 0


def test_the_host_stops_when_its_owner_is_gone(write_app: WriteApp) -> None:
    folder = write_app(HTTP_ONLY)
    owner = (
        "import os, sys; from pathlib import Path; from local.functions_host.process import HostProcess;"
        "h = HostProcess(Path(sys.argv[1]), {}, 0, Path(sys.argv[2]), 30); h.start(); print(h.pid, flush=True);"
        "os._exit(9)"
    )
    log = folder / "host.log"
    ran = subprocess.run(
        [sys.executable, "-c", owner, str(folder), str(log)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    pid = int(ran.stdout)
    eventually(lambda: "Stopped" in log.read_text() and not Path(f"/proc/{pid}").exists(), "the end of the host")


def test_an_app_that_does_not_start_is_an_error_with_its_output(write_app: WriteApp) -> None:
    with pytest.raises(HostDidNotStart, match="ModuleNotFoundError"), running_host(write_app("import not_there"), {}):
        raise AssertionError("it must not get here")
