"""What a cold start imports: the app, beside the public clients of its runtime requirements alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import Figures, middle

ROOT = Path(__file__).resolve().parents[1]

CLIENTS = {
    "azure-functions": "azure.functions",
    "azure-identity": "azure.identity",
    "azure-storage-blob": "azure.storage.blob",
    "azure-storage-queue": "azure.storage.queue",
    "requests": "requests",
    "urllib3": "urllib3",
    "httptools": "httptools",
    "croniter": "croniter",
    "pyjwt": "jwt",
    "cryptography": "cryptography.hazmat.primitives.asymmetric.ed25519",
}
"""The module of each runtime requirement that a user of it imports first."""

_PROBE = """
import time; wall, cpu = time.perf_counter(), time.process_time()
import {modules}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
status = open("/proc/self/status").read()  # (getrusage would give the parent's peak where that was higher)
print(wall, cpu, int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def import_figures(runs: int) -> dict[str, Figures]:
    """Import each in fresh processes, in turn, after one run that writes the byte code; medians."""
    tasks = {"nothing": "sys", "clients": ", ".join(CLIENTS.values()), "app": "function_app", **CLIENTS}
    rounds = [{name: _imported(modules) for name, modules in tasks.items()} for _ in range(runs + 1)]
    return {name: middle([one[name] for one in rounds[1:]]) for name in tasks}


def _imported(modules: str) -> Figures:
    settings = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-c", _PROBE.format(modules=modules)]
    done = subprocess.run(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True, check=True)
    wall, cpu, peak = map(float, done.stdout.split())
    return Figures(wall=wall, cpu=cpu, peak=peak)
