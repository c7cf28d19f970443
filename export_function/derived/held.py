"""
A project as its package holds it: rows read page by page, images of all sources merged by id.

Row pages come in ascending order of image id (export units partition the sorted inventory); what came while the export
ran has pages of its own behind them, ascending again. So each source is a few ascending runs of pages, and merging
holds one page of each run, and a few more of few runs, which are read before they are needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from export_function.derived.survey import IMAGE_FILES, PREDICTION_FILES, ProjectFiles
from shared.domain.resources import Image, StoredPrediction
from shared.packages import PackageStore, project_path
from shared.reading_ahead import ahead

type Json = dict[str, Any]

DOCUMENTS_AT_ONCE = 4
PAGES_AHEAD, MOST_PAGES_AHEAD = 4, 8
"""Pages of rows of one source, and of all sources together, that are read before they are needed."""

WORKSPACE = 0
"""Rank of the workspace among the sources of an image; iterations follow, the newest first."""


@dataclass(frozen=True, slots=True)
class HeldImage:
    """
    One training image of a package.

    `shown` is the workspace's row, otherwise the newest iteration's; `iterations` gives each iteration that holds the
    image, with its own row, newest first; `file` is relative to the project's folder, None if the bytes are not there.
    """

    shown: Image
    in_workspace: bool
    iterations: Mapping[str, Image]
    file: str | None


@dataclass(frozen=True, slots=True)
class HeldPrediction:
    """One stored prediction of a package; `file` as for images."""

    shown: StoredPrediction
    file: str | None


class HeldProject:
    """Reads one project of a package. All methods may raise `StorageUnavailable`."""

    def __init__(self, packages: PackageStore, request_id: str, files: ProjectFiles) -> None:
        self.files = files
        self._packages = packages
        self._request_id = request_id
        self._runs: dict[str, list[list[str]]] = {}
        self.iterations = sorted(self._iterations(), key=_age, reverse=True)

    def document(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """Read one JSON file of the project; None if the package does not have it."""
        if name not in self.files.names:
            return None
        content = self._packages.read(self._request_id, project_path(self.files.project_id, name))
        return None if content is None else json.loads(content)

    def documents(self, names: Iterable[str]) -> list[Any]:
        """Read several JSON files of the project, a few at once; None for each that the package does not have."""
        return list(ahead(names, self.document, DOCUMENTS_AT_ONCE))

    def details(self) -> Json:
        """Give `project.json`; empty if it could not be had."""
        return self.document("project.json") or {}

    def tags(self) -> list[tuple[Json, bool]]:
        """Give every tag once, in order of id, and whether the workspace has it; its row goes before an iteration's."""
        names = ["tags.json", *(f"iterations/{iteration['id']}/tags.json" for iteration in self.iterations)]
        workspace, *iterations = self.documents(names)
        found = {str(tag["id"]).lower(): (tag, True) for tag in workspace or ()}
        for tags in iterations:
            for tag in tags or ():
                found.setdefault(str(tag["id"]).lower(), (tag, False))
        return [found[tag_id] for tag_id in sorted(found)]

    def images(self) -> Iterator[HeldImage]:
        """Give all images in order of id, each once. ValueError if the rows of a page are not in order."""
        folders = ["images", *(f"iterations/{iteration['id']}/images" for iteration in self.iterations)]
        runs = [(run, rank) for rank, folder in enumerate(folders) for run in self._runs_of(folder)]
        width = min(PAGES_AHEAD, MOST_PAGES_AHEAD // max(len(runs), 1))
        sources = [self._source(run, rank, width) for run, rank in runs]
        for image_id, rows in groupby(merge(*sources, key=itemgetter(0, 1)), key=itemgetter(0)):
            yield self._image(image_id, {rank: Image.from_row(row) for _, rank, row in rows})

    def predictions(self) -> Iterator[HeldPrediction]:
        """Give all stored predictions in the order of their pages."""
        for row in self._rows(self.files.row_pages("predictions"), PAGES_AHEAD):
            shown = StoredPrediction.from_row(row)
            name = self.files.predictions.file_name(shown.id)
            yield HeldPrediction(shown, name and PREDICTION_FILES + name)

    def _image(self, image_id: str, by_rank: Mapping[int, Image]) -> HeldImage:
        name = self.files.images.file_name(image_id)
        return HeldImage(
            shown=by_rank[min(by_rank)],
            in_workspace=WORKSPACE in by_rank,
            iterations={self.iterations[rank - 1]["id"]: row for rank, row in by_rank.items() if rank},
            file=name and IMAGE_FILES + name,
        )

    def _runs_of(self, folder: str) -> list[list[str]]:
        """Cut a folder's pages into ascending runs by the first and last id of each; looked up once."""
        if folder not in self._runs:
            names = self.files.row_pages(folder)
            self._runs[folder] = self._cut(names) if len(names) > 1 else [names] * len(names)
        return self._runs[folder]

    def _cut(self, names: Sequence[str]) -> list[list[str]]:
        runs: list[list[str]] = []
        last = ""
        for name, ends in zip(names, ahead(names, self._ends, MOST_PAGES_AHEAD), strict=True):
            if ends is None:
                continue
            if not runs or ends[0] <= last:
                runs.append([])
            runs[-1].append(name)
            last = ends[1]
        return runs

    def _ends(self, name: str) -> tuple[str, str] | None:
        """Give the first and the last id of a page, None if it is empty."""
        rows = self._content(name).splitlines()
        return (_id(json.loads(rows[0])), _id(json.loads(rows[-1]))) if rows else None

    def _source(self, names: Sequence[str], rank: int, width: int) -> Iterator[tuple[str, int, Json]]:
        last = ""
        for row in self._rows(names, width):
            image_id = _id(row)
            if image_id <= last:
                raise ValueError("rows of images are not in ascending order of id")
            last = image_id
            yield image_id, rank, row

    def _rows(self, names: Sequence[str], width: int) -> Iterator[Json]:
        """Read the rows of pages in turn, with `width` pages held at most (below two: one)."""
        pages = ahead(names, self._content, width) if width > 1 and len(names) > 1 else map(self._content, names)
        for content in pages:
            yield from map(json.loads, content.splitlines())

    def _content(self, name: str) -> bytes:
        return self._packages.read(self._request_id, project_path(self.files.project_id, name)) or b""

    def _iterations(self) -> Iterator[Json]:
        """Give details of every iteration that has files here, the id in lower case, from the best file there is."""
        ids = self.files.iteration_ids()
        own, *rows = self.documents(["iterations.json", *(f"iterations/{i}/iteration.json" for i in ids)])
        listed = {str(row["id"]).lower(): row for row in own or ()}
        for iteration_id, row in zip(ids, rows, strict=True):
            yield {**(row or listed.get(iteration_id, {})), "id": iteration_id}
        missing = partial(filter, lambda item: item not in self.files.iteration_ids())
        for iteration_id in missing(listed):
            yield {**listed[iteration_id], "id": iteration_id}


def _id(row: Json) -> str:
    return str(row["id"]).lower()


def _age(iteration: Json) -> tuple[str, str]:
    return str(iteration.get("created") or ""), iteration["id"]
