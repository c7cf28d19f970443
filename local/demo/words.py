"""What the app answers, in plain words. Pure."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from local.demo.proof import Finding
from local.demo.scenes import SUBJECT
from local.demo.snapshot import Snapshot

Json = dict[str, Any]
PROBLEMS_SHOWN = 5
_ACTIONS = {
    "keep": "the iteration itself stays",
    "unpublish": "the iteration itself is unpublished",
    "delete": "the iteration itself is deleted",
}


def what_there_is(snapshot: Snapshot) -> str:
    """Return a line for every workspace and iteration with the number of its images."""
    width = max(len(place.name) for place in snapshot.rows)
    places = sorted(snapshot.rows.items(), key=lambda item: item[0].name)
    return "\n".join(f"{place.name:<{width}}  {len(rows):>4} images" for place, rows in places)


def progress(status: Json) -> str:
    """Return how far a request is."""
    done, total = status["progress"]["units_done"], status["progress"]["units_total"]
    parts = [status["request_status"].replace("_", " ")]
    if total and not status["completed_time"]:
        parts.append(f"{done} of {total} units of work")
    counts = status["counts"].get("images", {})
    shown = [f"{counts[word]} {word}" for word in ("found", "written", "deleted", "failed") if counts.get(word)]
    return ", ".join(parts) + (f"; images: {', '.join(shown)}" if shown else "")


def so_far(status: Json, seconds: float) -> str:
    """Return where a request has come to."""
    return f"{status['request_status'].replace('_', ' ')} after {seconds:.1f} seconds"


def ending(status: Json, seconds: float) -> str:
    """Return how a request ended."""
    reason = f" ({status['reason']})" if status["reason"] else ""
    return f"{status['request_status']}{reason} after {seconds:.1f} seconds"


def stores(receipt: Json) -> str:
    """Return a line for every store of a receipt: only what is not zero."""
    lines = []
    for store, counts in receipt["stores"].items():
        said = [f"{_number(value)} {word.replace('_', ' ')}" for word, value in counts.items() if _matters(word, value)]
        if said:
            lines.append(f"{store:<16}{', '.join(said)}")
    return "\n".join(lines)


def package(zips: Sequence[Path], files: Sequence[Path]) -> str:
    """Return what was downloaded and unpacked."""
    fetched, unpacked = (sum(path.stat().st_size for path in paths) / 1_000_000 for paths in (zips, files))
    return f"Zips: {len(zips)} of {fetched:.1f} MB in all; unpacked: {len(files)} files of {unpacked:.1f} MB."


def plan(plan: Json) -> str:
    """Return what an erasure that waits for its approval would do, place by place."""
    lines = []
    for project in sorted(plan["projects"], key=lambda project: str(project["name"])):
        lines.append(f"{project['name']}: {project['counts']['images']} images to erase, wherever they are")
        for one in sorted(project["iterations"], key=lambda iteration: str(iteration["name"])):
            published = f" (published as {one['publish_name']})" if one["publish_name"] else ""
            lines.append(f"  {one['name']}{published}: holds {one['holds']} of them; {_ACTIONS[one['action']]}")
    lines.append(f"What will remain, and the receipt will explain: {', '.join(plan['residuals']) or 'nothing'}")
    return "\n".join(lines)


def proof_in_words(receipt: Json) -> list[str]:
    """Return the sentences of an erasure's receipt."""
    looked, images = receipt["looked_at"], receipt["stores"]["images"]
    proven = "verified gone" if images["verified"] else "NOT verified gone"
    return [
        f"Looked at {looked['projects']} projects, {looked['iterations']} iterations and {looked['images']} images.",
        f"The last look, over the workspaces and every iteration: {proven}.",
        *(f"What remains ({one['code']}): {one['detail']}" for one in receipt["residuals"]),
    ]


def verdict(findings: Iterable[Finding]) -> str:
    """Return each claim with a mark, and the first of what speaks against it."""
    lines = []
    for finding in findings:
        lines.append(f"{'[ok]  ' if finding.holds else '[FAIL]'} {finding.claim}")
        lines += [f"         {problem}" for problem in finding.problems[:PROBLEMS_SHOWN]]
        if len(finding.problems) > PROBLEMS_SHOWN:
            lines.append(f"         and {len(finding.problems) - PROBLEMS_SHOWN} more")
    return "\n".join(lines)


def afterwards(folder: str, *, cleaned: bool) -> str:
    """Return what stays of a run in `folder` and how to look at it."""
    second = f"   package-afterwards/  the same package since the erasure, without {SUBJECT}\n" if cleaned else ""
    return f"""What stays in {folder}/ until the next run:
   package/             the export as it was downloaded before the erasure, so {SUBJECT} is in it:
                        what has left Blob Storage is out of the app's reach. Open index.html
{second}   receipt.json         the receipt of the erasure; receipt.jws its signature, keys.json the public keys
   host.log             what the Functions host said
   azurite/             the data of Blob Storage: ledger and packages. To look into it with Storage Explorer or
                        the Azure CLI, or to audit the ledger again:
                          LOCAL_DATA={folder} make azurite
                          DATA_STORAGE=UseDevelopmentStorage=true make verify-audit      (in a second terminal)"""


def _matters(word: str, value: object) -> bool:
    return (
        word not in {"service_count", "rounds"} and isinstance(value, int) and not isinstance(value, bool) and value > 0
    )


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
