"""What the demo says, and how."""

import io
import shlex
from typing import Any

from local.azurite.accounts import DEFAULT_PORTS
from local.demo.app import curl
from local.demo.console import Console
from local.demo.proof import Finding
from local.demo.surroundings import chosen_ports
from local.demo.words import PROBLEMS_SHOWN, afterwards, ending, plan, progress, stores, verdict
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

    assert shlex.split(curl("http://a/package?part=1", None, "-H", "Accept: application/jose")) == [
        "curl",
        *("-H", "Accept: application/jose", "http://a/package?part=1"),
    ]


def test_a_plan_tells_place_by_place_what_would_happen_and_what_remains() -> None:
    def iteration(name: str, publish_name: str | None, action: str) -> dict[str, Any]:
        return {"name": name, "publish_name": publish_name, "holds": 2, "action": action}

    held = [iteration("Two", "live", "unpublish"), iteration("One", None, "keep"), iteration("Three", None, "delete")]
    project = {"name": "Pets", "counts": {"images": 3}, "iterations": held}
    assert plan({"projects": [project], "residuals": ["kept_export"]}).splitlines() == [
        "Pets: 3 images to erase, wherever they are",
        "  One: holds 2 of them; the iteration itself stays",
        "  Three: holds 2 of them; the iteration itself is deleted",
        "  Two (published as live): holds 2 of them; the iteration itself is unpublished",
        "What will remain, and the receipt will explain: kept_export",
    ]


def test_a_second_package_is_named_only_where_there_is_one() -> None:
    assert "package-afterwards/" in afterwards("here", cleaned=True)
    assert "package-afterwards/" not in afterwards("here", cleaned=False)


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
