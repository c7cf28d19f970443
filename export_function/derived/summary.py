"""What the overview says about one project, gathered while its pictures go by; the pictures themselves are not kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any

from export_function.derived.formats import parsed
from export_function.derived.gallery import GalleryPage, Section
from export_function.derived.held import HeldProject
from shared.reading_ahead import together

type Json = dict[str, Any]


@dataclass
class Period:
    """The earliest and the latest of the times that were seen."""

    first: datetime | None = None
    last: datetime | None = None

    def see(self, text: object) -> None:
        """Take a time of the API; what is no time is passed over."""
        when = parsed(text)
        if when is not None:
            self.first = min(self.first or when, when)
            self.last = max(self.last or when, when)

    def include(self, other: Period) -> None:
        """Take another period."""
        for when in (other.first, other.last):
            if when is not None:
                self.see(when.isoformat())


@dataclass(frozen=True)
class IterationSummary:
    """An iteration's details, performance, list of exports; None where the package has no such file."""

    row: Json
    performance: Json | None
    exports: list[Json] | None


@dataclass
class ProjectSummary:
    """
    One project of the overview.

    `names` are its files but pictures, with sizes; `tags` with whether the workspace has them; `pages` the first
    gallery page of each section; `counts` of images, only_in_iteration, predictions.
    """

    project_id: str
    row: Json
    names: dict[str, int]
    tags: list[tuple[Json, bool]]
    iterations: list[IterationSummary]
    counts: Counter[str] = field(default_factory=Counter)
    period: Period = field(default_factory=Period)
    pages: dict[Section, GalleryPage] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The project's name, empty if unknown."""
        return str(self.row.get("name") or "")


def summary_of(project: HeldProject) -> ProjectSummary:
    """Read what a project's summary starts with: everything but its pictures."""
    names = [f"iterations/{row['id']}/{name}.json" for row in project.iterations for name in ("performance", "exports")]
    documents, (details, tags) = together(
        lambda: batched(project.documents(names), 2, strict=True), lambda: together(project.details, project.tags)
    )
    iterations = [IterationSummary(row, *two) for row, two in zip(project.iterations, documents, strict=True)]
    return ProjectSummary(project.files.project_id, details, project.files.names, tags, iterations)
