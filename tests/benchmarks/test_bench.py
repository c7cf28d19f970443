"""The bench measures what it says: a real run of a small one, and its parts held against known answers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cold_import import CLIENTS
from benchmarks.measuring import phases_of
from benchmarks.process_costs import costs_of, reset_peak
from benchmarks.report import Table, ratio

ROOT = Path(__file__).resolve().parents[2]


def test_every_runtime_requirement_has_its_import() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert {line.split("==")[0] for line in lines if "==" in line} == set(CLIENTS)


def test_the_length_of_a_phase_is_the_time_to_the_next_entry() -> None:
    entries = [("pending", None, 0), ("exporting", "data", 2), ("exporting", "data", 5), ("completed", None, 6)]
    history = [{"status": s, "phase": p, "time": f"2026-11-24T00:00:{t:02d}.000Z"} for s, p, t in entries]
    assert phases_of(history) == {"pending": 2.0, "data": 4.0}


def test_a_table_refuses_a_row_of_another_width() -> None:
    table = Table("title", ("a", "b"))
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        table.add("1")


def test_a_ratio_to_nothing_is_a_dash() -> None:
    assert (ratio(3, 2), ratio(3, 0)) == ("1.50", "-")


def test_a_child_that_has_ended_and_was_not_collected_costs_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert costs_of(child.pid).rss == 0


def test_the_peak_of_memory_can_begin_anew() -> None:
    block = bytearray(64 * 1024 * 1024)
    block[::4096] = b"x" * len(block[::4096])
    high = costs_of(os.getpid())
    del block
    reset_peak(os.getpid())
    assert costs_of(os.getpid()).peak < high.peak - 32
    assert high.cpu > 0


@pytest.mark.acceptance
def test_an_export_is_measured_beside_both_yardsticks() -> None:
    command = [sys.executable, "-m", "benchmarks", "--images", "20", "--runs", "1", "--scenario", "export", "erasure"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if re.match(r"\|\s+20 \|", line)]
    assert len(rows) == 5, done.stdout
    assert all(float(cell) > 0 for cell in rows[0].strip("|").split("|")[1:5])
    ours, source = (float(rows[2].split("|")[column]) for column in (3, 4))
    assert ours >= 20, "every image is a call to our storage"
    assert source == 1.0, "every image's source is read once"
