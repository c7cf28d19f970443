"""Each scenario in a size that takes seconds: its tables are there, and what they say is true of the app."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.large import floor_calls
from benchmarks.plan import Plan
from benchmarks.report import shares
from benchmarks.status_reads import percentile

ROOT = Path(__file__).resolve().parents[2]

type Row = dict[str, str]


def test_a_scale_makes_sizes_smaller_down_to_a_least() -> None:
    plan = Plan((1,), 1, 0.1)
    assert (plan.scaled(1000), plan.scaled(20, 8), Plan((1,), 1).scaled(7)) == (100, 8, 7)


def test_a_percentile_is_the_value_that_the_share_does_not_exceed() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([3.0], 0.99)) == (50.0, 99.0, 3.0)


def test_the_floor_of_an_erasure_counts_whole_pages() -> None:
    assert (floor_calls(256), floor_calls(257)) == (5, 10)


def test_the_shares_of_calls_add_up() -> None:
    rows = _rows(str(shares("Calls", {"a": 6, "b": 3, "c": 1}, 2, "job", most=2)))
    assert [tuple(row.values()) for row in rows] == [
        ("all", "5.00", "10"),
        ("a", "3.00", "6"),
        ("b", "1.50", "3"),
        ("others", "0.50", "1"),
    ]


def measured(*names: str) -> list[list[Row]]:
    """Run scenarios in their smallest size and give the rows of their tables by column."""
    command = [sys.executable, "-m", "benchmarks", "--scale", "0.001", "--images", "4", "8", "--runs", "1"]
    done = subprocess.run(
        [*command, "--only", *names], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return [_rows(table) for table in re.split(r"^### ", done.stdout, flags=re.MULTILINE)[1:]]


def _rows(table: str) -> list[Row]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


@pytest.mark.acceptance
def test_an_idle_host_only_looks_and_keeps_its_locks() -> None:
    (rows,) = measured("idle")
    names = [row["calls to storage"] for row in rows[1:]]
    assert int(rows[0]["calls"]) > 0
    assert all(name.startswith(("GET ", "data: ")) or name == "PUT azure-webjobs-hosts" for name in names), names


@pytest.mark.acceptance
def test_hops_and_growth_are_shown_for_every_number_of_images() -> None:
    ones, growth = measured("hops")
    assert [row["queues polled"] for row in ones] == ["0.1 s", "as host.json says"]
    assert [row["images"] for row in growth] == ["4", "8"]


@pytest.mark.acceptance
def test_status_and_list_are_read_while_an_export_runs() -> None:
    (rows,) = measured("status")
    reads = ("one request", "50 requests", "openapi.json, which reads nothing", "the record, without the host")
    assert [(row["read"], row["host"]) for row in rows] == [
        (read, host) for host in ("exporting", "idle") for read in reads
    ]
    assert all(int(row["reads"]) > 0 for row in rows)


@pytest.mark.acceptance
def test_an_export_says_truly_what_it_has_when_copies_go_wrong() -> None:
    (rows,) = measured("copies")
    assert all(row["written"] == row["really there"] for row in rows)
    assert {row["ended"] for row in rows[:-1]} == {"completed"}
    last = rows[-1]
    assert last["ended"] == "partially_completed"
    assert int(last["images found"]) - int(last["written"]) == int(last["failed or gone"]) == 2


@pytest.mark.acceptance
def test_hosts_that_share_an_export_do_nothing_twice() -> None:
    (rows,) = measured("hosts")
    assert [row["hosts"] for row in rows] == ["1", "2", "4"]
    assert {(row["units twice"], row["copies twice"]) for row in rows} == {("0", "0")}


@pytest.mark.acceptance
def test_the_calls_of_several_hosts_are_counted_and_an_erasure_is_among_them() -> None:
    rate, share = measured("rate")
    assert int(rate[0]["calls"]) > int(share[0]["its calls"]) > 0


@pytest.mark.acceptance
def test_small_jobs_by_queue_are_all_done() -> None:
    jobs, api, blobs = measured("jobs")
    assert jobs[0]["ended"] == "4 completed"
    assert api[0]["for each job"] == f"{float(jobs[0]['API calls a job']):.2f}"
    assert float(blobs[0]["for each job"]) > float(api[0]["for each job"])


@pytest.mark.acceptance
def test_large_projects_are_set_beside_small_ones() -> None:
    memory, floor, api, _ = measured("large")
    assert [(row["work"], row["images"]) for row in memory] == [
        (work, images) for work in ("export", "erasure") for images in ("4", "100")
    ]
    assert int(floor[-1]["calls"]) == int(api[0]["all"]) >= int(floor[-1]["floor"])
