"""What the demo says, and how."""

import io
import shlex
from typing import Any

from local.azurite.accounts import DEFAULT_PORTS
from local.demo.app import curl
from local.demo.console import Console
from local.demo.proof import Finding
from local.demo.surroundings import chosen_ports
from local.demo.words import PROBLEMS_SHOWN, ending, progress, stores, verdict
from local.pieces import Ports


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def status(**fields: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"request_status": "in_progress", "reason": None, "completed_time": None, "counts": {}}
    return base | {"progress": {"phase": "images", "units_total": 4, "units_done": 1, "units_failed": 0}} | fields


def test_a_verdict_marks_what_holds_and_names_what_speaks_against_the_rest() -> None:
    problems = [f"problem {number}" for number in range(PROBLEMS_SHOWN + 2)]
    lines = verdict([Finding("True.", []), Finding("False.", problems)]).splitlines()
    assert lines[0] == "[ok]   True."
    assert lines[1] == "[FAIL] False."
    assert [line.strip() for line in lines[2:]] == [*problems[:PROBLEMS_SHOWN], "and 2 more"]


def test_progress_tells_status_units_and_images() -> None:
    assert progress(status()) == "in progress, 1 of 4 units of work"
    counted = status(counts={"images": {"found": 9, "deleted": 5, "failed": 0}})
    assert progress(counted) == "in progress, 1 of 4 units of work; images: 9 found, 5 deleted"


def test_the_end_of_a_request_tells_its_reason() -> None:
    assert ending(status(request_status="completed"), 1.26) == "completed after 1.3 seconds"
    partial = status(request_status="partially_completed", reason="drift")
    assert ending(partial, 2) == "partially_completed (drift) after 2.0 seconds"


def test_only_what_was_counted_is_told_of_a_store() -> None:
    counts = {"found": 1200, "written": 1199, "vanished": 1, "failed": 0, "service_count": 1200, "verified": True}
    assert stores({"stores": {"images": counts, "account": {"found": 0}}}).split() == [
        "images",
        *["1,200", "found,", "1,199", "written,", "1", "vanished"],
    ]


def test_a_curl_command_can_be_pasted_into_a_shell() -> None:
    words = shlex.split(curl("http://127.0.0.1:7071/api/exports", {"scope": {"projects": ["Anna's"]}}))
    assert words[-1] == '{"scope": {"projects": ["Anna\'s"]}}'
    assert words[:2] == ["curl", "http://127.0.0.1:7071/api/exports"]


def test_on_a_terminal_progress_stays_in_its_line() -> None:
    out = Terminal()
    console = Console(out)
    for text in ("one", "two", "two", "three"):
        console.progress(text)
    console.end_progress("done")
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().count("two") == 1


def test_elsewhere_progress_is_a_line_now_and_then_and_the_end_is_always_told() -> None:
    out = io.StringIO()
    console = Console(out)
    for number in range(50):
        console.progress(f"step {number}")
    console.end_progress("done")
    lines = out.getvalue().splitlines()
    assert (lines[0].strip(), lines[-1].strip()) == ("step 0", "done")
    assert len(lines) < 50


def test_a_port_in_use_is_replaced_by_a_free_one_and_named(taken_port: int) -> None:
    ports, remarks = chosen_ports(Ports(dict.fromkeys(DEFAULT_PORTS, 0), 0, taken_port))
    assert ports.host == 0
    assert remarks == [f"Port {taken_port} is in use: the Functions host takes a free one."]
