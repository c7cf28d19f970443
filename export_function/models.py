"""Models that were exported from an iteration: the list, and each package while its link lives (about 24 hours)."""

from __future__ import annotations

import re

from export_function.pictures import head_of
from export_function.previous import PreviousIteration
from export_function.unit_work import Result, UnitWork, gap, raise_if_worth_waiting
from shared.domain.errors import GdprError, ResourceAbsent, ServiceRefusal, SourceRefusal, TransientError
from shared.domain.resources import Row
from shared.packages import file_row, package_prefix, project_path
from shared.ports import WrittenFile

STORE = "exported_models"
MEDIA_TYPE = "application/octet-stream"
DEAD_LINKS = frozenset({"link_expired", "source_absent"})
_UNSAFE = re.compile(r"[^a-z0-9]+")


def export_models(work: UnitWork, result: Result) -> None:
    """
    Write GetExports of an iteration and download every finished package; nothing is newly exported on the service.

    Of a model whose link is dead the package before is asked, in a scheduled export. Else it is a gap `link_expired`:
    the service has no other way to it.
    """
    rows = work.client.get_exports(work.project_id, work.iteration_id or "")
    result.files.append(work.write_json("exports.json", [dict(row) for row in rows], "GetExports"))
    ready = (row for row in rows if row.get("status") == "Done" and row.get("downloadUri"))
    done = sorted(ready, key=_platform)  # the service's order changes; a second run must find the same names
    result.count(STORE, found=len(done))
    for number, row in enumerate(done, start=1):
        _download(work, result, row, model_name(row, number))


def _platform(row: Row) -> list[str]:
    return [str(row.get(key) or "") for key in ("platform", "flavor")]


def model_name(row: Row, number: int) -> str:
    """Give a model's file name from the service's words for platform and flavour, reduced to letters and digits."""
    words = [_UNSAFE.sub("-", word.lower()).strip("-") for word in _platform(row)]
    return "-".join(word[:40] for word in [f"{number:03d}", *words] if word)


def _download(work: UnitWork, result: Result, row: Row, name: str) -> None:
    try:
        result.files.append(_stream(work, str(row["downloadUri"]), name))
    except (SourceRefusal, ServiceRefusal, TransientError) as error:
        if _is_dead(error):
            if (held := _take_over(work, name)) is not None:
                result.files.append(held)
                result.count(STORE, written=1)
                return
            result.count(STORE, vanished=1)
            result.gaps.append(gap(STORE, work.iteration_id, "link_expired", f"models/{name}: its link is dead"))
            return
        raise_if_worth_waiting([error], work.attempt)
        result.fail(STORE, work.iteration_id, "copy_refused", error, "GetExports")
    else:
        result.count(STORE, written=1)


def _is_dead(error: GdprError) -> bool:
    """Whether a model cannot be had any more: its link has expired, or its path in a virtual network leads nowhere."""
    return isinstance(error, ResourceAbsent) or (isinstance(error, SourceRefusal) and error.reason in DEAD_LINKS)


def _take_over(work: UnitWork, name: str) -> dict[str, object] | None:
    """
    Write a model as the package before holds it; None if it holds none of the same iteration, platform and flavour.

    An iteration's model is what it learned once, so its id and creation time tell that it is still the same.
    """
    held = PreviousIteration.of(work)
    found = held.model(name.partition("-")[2]) if held and held.created == _created(work) else None
    if found is None:
        return None
    blobs = work.services.packages.blobs
    path = project_path(work.project_id, f"{work.folder}models/{name}.{found.rpartition('.')[2]}")
    try:
        chunks = blobs.read_stream(found)
        written = blobs.write_stream(package_prefix(work.request_id) + path, chunks, content_type=MEDIA_TYPE)
    except KeyError:
        return None
    return _row(work, path, written, "copy of the package before")


def _created(work: UnitWork) -> str:
    return work.client.get_iteration(work.project_id, work.iteration_id or "").created


def _stream(work: UnitWork, link: str, name: str) -> dict[str, object]:
    is_link = link.lower().startswith(("https://", "http://"))
    source = work.services.pictures.stream(link) if is_link else work.client.artifact(work.project_id, link)
    with source as chunks:
        head, whole = head_of(chunks)
        extension = "zip" if head.startswith(b"PK") else "bin"
        path = project_path(work.project_id, f"{work.folder}models/{name}.{extension}")
        blob = package_prefix(work.request_id) + path
        written = work.services.packages.blobs.write_stream(blob, whole, content_type=MEDIA_TYPE)
    return _row(work, path, written, "GetExports")


def _row(work: UnitWork, path: str, written: WrittenFile, operation: str) -> dict[str, object]:
    return file_row(
        path,
        size=written.size,
        md5=written.md5,
        sha256=written.sha256,
        media_type=MEDIA_TYPE,
        operation=operation,
        ids=work.ids,
        time=work.now(),
    )
