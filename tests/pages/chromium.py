"""
A real Chromium, headless, driven through its DevTools protocol over a pipe: no port, no driver, no further package.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "The pages are tested in a real browser, and there is no Chromium: apt-get install chromium (as root)."
SECONDS = 30.0
FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root, where Chromium has none
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
)
# Chromium reads commands from descriptor 3 and answers on 4, whatever descriptors our ends of the pipes have.
LAUNCHER = (
    "import fcntl, os, sys\n"
    "ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]\n"
    "os.dup2(ends[0], 3), os.dup2(ends[1], 4)\n"
    "os.execvp(sys.argv[3], sys.argv[3:])\n"
)

type Json = dict[str, Any]


class ChromiumError(AssertionError):
    """Chromium refused a command, or did not answer in time."""


class Browser:
    """One Chromium process; `events` are all that it told since the last `forget`."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._buffer = b""
        self._last_id = 0
        self.events: list[Json] = []

    def call(self, method: str, session: str | None = None, **params: Any) -> Json:
        """Run a command and give its result."""
        self._last_id += 1
        message: Json = {"id": self._last_id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise ChromiumError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self.events.append(answer)

    def wait_for(self, method: str, session: str) -> None:
        """Wait until an event of this name has come."""
        while not any(e.get("method") == method and e.get("sessionId") == session for e in self.events):
            self.events.append(self._next())

    def _next(self) -> Json:
        deadline = time.monotonic() + SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            read = os.read(self._answers, 1 << 20) if ready else b""
            if not read:
                raise ChromiumError("Chromium ended, or did not answer in time")
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))


class Page:
    """One tab. What it logs, throws and requests is kept."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = str(browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Json:
        """Run a command in this tab."""
        return self._browser.call(method, self._session, **params)

    def open(self, path: Path, anchor: str = "") -> None:
        """Open a file and wait until it is loaded; what was noted before is forgotten."""
        self._browser.events.clear()
        result = self.call("Page.navigate", url=path.as_uri() + anchor)
        assert "errorText" not in result, result["errorText"]
        if "loaderId" in result:
            self._browser.wait_for("Page.loadEventFired", self._session)

    def run(self, script: str) -> Any:
        """Give the value of a script's expression (a promise's value when it has one)."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ChromiumError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Ask again and again until it is so, at most half a minute."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"never came true: {what}"
            self.run("new Promise(resolve => requestAnimationFrame(resolve))")

    def press(self, key: str, code: int) -> None:
        """Press a key as a person does."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def complaints(self) -> list[str]:
        """Give everything that the console, the log and the script engine had to say."""
        self.run("0")
        names = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        return [json.dumps(event["params"]) for event in self._mine(*names)]

    def requests(self) -> list[str]:
        """Give the addresses of all requests since the page was opened."""
        self.run("0")
        return [str(event["params"]["request"]["url"]) for event in self._mine("Network.requestWillBeSent")]

    def tree(self) -> list[Json]:
        """Give the accessibility tree's nodes that assistive technology sees, in order: role, name, properties."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [_seen(node) for node in nodes if not node.get("ignored")]

    def _mine(self, *methods: str) -> list[Json]:
        return [
            event
            for event in self._browser.events
            if event.get("method") in methods and event.get("sessionId") == self._session
        ]


def _seen(node: Json) -> Json:
    properties = {entry["name"]: entry["value"].get("value") for entry in node.get("properties", ())}
    return {"role": node["role"]["value"], "name": node.get("name", {}).get("value", ""), **properties}


@contextmanager
def running_chromium(profile: Path) -> Iterator[Browser]:
    """Run a Chromium with a new profile; fails the test with a clear sentence where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.fail(MISSING, pytrace=False)
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    ends = (theirs_in, theirs_out)
    command = [sys.executable, "-c", LAUNCHER, *map(str, ends), program, *FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(command, pass_fds=ends, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for end in ends:
        os.close(end)
    try:
        yield Browser(ours_out, ours_in)
    finally:
        os.close(ours_out)  # Chromium ends when its commands end
        os.close(ours_in)
        try:
            process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
