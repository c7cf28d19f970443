"""The host as a child process, for tests and demos: start it, wait until it listens, stop or kill it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_LISTENING = re.compile(r"^Functions host is listening at (http://127\.0\.0\.1:(\d+))$", re.MULTILINE)
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
_POLL_SECONDS = 0.02


class HostDidNotStart(RuntimeError):
    """The process ended, or did not listen in time; the text holds its output."""


class HostProcess:
    """A running host. Standard output and errors of all its lives go to `log_path`."""

    def __init__(
        self, app_dir: Path, settings: Mapping[str, str], port: int, log_path: Path, start_seconds: float
    ) -> None:
        self._app_dir = app_dir
        self._settings = dict(settings)
        self._port = port
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self.log_path = log_path
        self.url = ""

    @property
    def pid(self) -> int:
        """The process id of the current life."""
        return self._running().pid

    def start(self) -> None:
        """Start and wait for the listening line; HostDidNotStart if it does not come."""
        offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        command = [sys.executable, "-m", "local.functions_host", "--no-local-settings", "--until-stdin-closes"]
        command += ["--app", str(self._app_dir.resolve()), "--port", str(self._port)]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=_ROOT,
                env={**inherited, **self._settings},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C in the terminal reaches the owner, who decides when this host stops.
                process_group=0,
            )
        self._wait_until_listening(offset)

    def kill(self) -> None:
        """SIGKILL: nothing is drained or released."""
        process = self._running()
        process.kill()
        process.wait()
        _close(process)

    def stop(self, timeout_seconds: float = 60) -> int:
        """SIGTERM, then the exit code (of an earlier end, if it has ended); TimeoutExpired after the time."""
        process = self._running()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        code = process.wait(timeout_seconds)
        _close(process)
        return code

    def restart(self) -> None:
        """Stop if it runs, and start again on the same port."""
        self.stop()
        self.start()

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """All output so far."""
        return self.log_path.read_text(errors="replace")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the host has not been started")
        return self._process

    def _wait_until_listening(self, offset: int) -> None:
        deadline = time.monotonic() + self._start_seconds
        while True:
            with self.log_path.open("rb") as log:
                log.seek(offset)
                output = log.read().decode(errors="replace")
            found = _LISTENING.search(output)
            if found:
                self.url, self._port = found[1], int(found[2])
                return
            if self._running().poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise HostDidNotStart(f"exit code {self._running().returncode}:\n{output}")
            time.sleep(_POLL_SECONDS)


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


@contextlib.contextmanager
def running_host(
    app_dir: Path,
    settings: Mapping[str, str],
    port: int = 0,
    log_path: Path | None = None,
    start_seconds: float = 30,
) -> Iterator[HostProcess]:
    """Run the app in `app_dir` with exactly these settings (no local.settings.json); killed at the end.

    It also stops when this process dies in any way.

    HostDidNotStart if it does not listen within `start_seconds`.
    """
    with tempfile.TemporaryDirectory(prefix="functions-host-") as folder:
        host = HostProcess(app_dir, settings, port, log_path or Path(folder, "host.log"), start_seconds)
        try:
            host.start()
            yield host
        finally:
            if host.is_running():
                host.kill()
