"""The files of one project that other programs load: `coco.json`, `images.csv`, `tags.csv`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from export_function.derived.coco import coco_chunks
from export_function.derived.held import HeldProject
from export_function.derived.survey import survey_project
from export_function.derived.tables import IMAGE_COLUMNS, TAG_COLUMNS, csv_chunks, image_cells, tag_cells
from export_function.derived.writing import CSV, write_derived
from shared.packages import JSON, PackageStore, project_path


def derive_project(
    packages: PackageStore,
    request_id: str,
    project_id: str,
    *,
    formats: Collection[str],
    time: str,
    is_held: Callable[[str], bool] | None = None,
) -> list[dict[str, Any]]:
    """
    Write the files of the formats ("coco", "csv") from what the package holds, and give their rows for the manifest.

    Nothing is read from the service; the same package gives the same bytes. `time` (RFC 3339) goes into the rows;
    `is_held` tells, where more may lie there, which paths are the package's. Memory does not grow with the images.
    May raise `StorageUnavailable`.
    """
    project = HeldProject(packages, request_id, survey_project(packages, request_id, project_id, is_held))
    files: list[tuple[str, Iterable[bytes], str]] = []
    if "coco" in formats:
        info = {"description": project.details().get("name") or "", "custom_vision_project_id": project_id}
        tags = [tag for tag, _ in project.tags()]
        files.append(("coco.json", coco_chunks(project.images, tags, info), JSON))
    if "csv" in formats:
        files.append(("images.csv", csv_chunks(IMAGE_COLUMNS, map(image_cells, project.images())), CSV))
        files.append(("tags.csv", csv_chunks(TAG_COLUMNS, (tag_cells(*entry) for entry in project.tags())), CSV))
    return [
        write_derived(
            packages,
            request_id,
            project_path(project_id, name),
            chunks,
            media_type=media_type,
            ids={"project_id": project_id},
            time=time,
        )
        for name, chunks, media_type in files
    ]
