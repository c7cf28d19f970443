"""Writes `index.html` and the gallery pages of a package from the package's own files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from export_function.derived import texts
from export_function.derived.cards import Place, image_card, prediction_card
from export_function.derived.gallery import Gallery, Section
from export_function.derived.held import HeldProject
from export_function.derived.overview import overview_document
from export_function.derived.page import OVERVIEW
from export_function.derived.summary import ProjectSummary, summary_of
from export_function.derived.survey import survey_projects
from export_function.derived.writing import write_page
from shared.domain.links import without_links
from shared.packages import PackageStore, package_prefix
from shared.reading_ahead import ahead, together

ACCOUNT = "account.json"
ACCOUNT_KEYS = "account-keys.json"
PAGES_AT_ONCE = 2


def write_index(
    packages: PackageStore,
    request_id: str,
    *,
    manifest_head: Mapping[str, Any],
    gaps: Sequence[Mapping[str, Any]],
    time: str,
) -> list[dict[str, Any]]:
    """
    Write the pages and give their rows for the manifest; pages of an earlier run that are not needed any more go.

    `manifest_head` has `created_time`, `scope` and `stores` as in the manifest, `gaps` are the manifest's, `time` is
    RFC 3339. To be called when every other file of the package is there. Memory does not grow with the pictures but by
    18 bytes each. May raise `StorageUnavailable`.
    """

    def write(page: tuple[str, bytes]) -> dict[str, Any]:
        name, content = page
        return write_page(packages, request_id, name, content, time=time)

    gallery, projects = Gallery(request_id, time), list[ProjectSummary]()
    pages = list(ahead(_gallery_pages(packages, request_id, gallery, projects), write, PAGES_AT_ONCE))
    account, (has_keys, others) = together(
        lambda: packages.read(request_id, ACCOUNT),
        lambda: together(
            lambda: _is_there(packages, request_id, ACCOUNT_KEYS),
            lambda: _others(packages, request_id, {row["path"] for row in pages}),
        ),
    )
    page = overview_document(
        request_id=request_id,
        time=time,
        head=manifest_head,
        gaps=gaps,
        projects=projects,
        pages=gallery.pages,
        account=None if account is None else without_links(json.loads(account)),
        has_keys=has_keys,
    )
    row = write((OVERVIEW, page))
    packages.blobs.delete_all(others)
    return [row, *pages]


def _gallery_pages(
    packages: PackageStore, request_id: str, gallery: Gallery, projects: list[ProjectSummary]
) -> Iterator[tuple[str, bytes]]:
    """Give the gallery's pages as they fill up; `projects` takes what the overview says about each project."""
    for files in survey_projects(packages, request_id):
        project = HeldProject(packages, request_id, files)
        summary = summary_of(project)
        projects.append(summary)
        for _ in _pictures_into(gallery, project, summary):
            yield from gallery.full()
    gallery.finish()
    yield from gallery.full()


def _pictures_into(gallery: Gallery, project: HeldProject, summary: ProjectSummary) -> Iterator[None]:
    """Put all pictures of a project into the gallery, one at each step, and count them."""
    names = {row["id"]: str(row.get("name") or "") for row in project.iterations}
    place = Place(summary.project_id, names)
    images, predictions = (
        Section(summary.project_id, summary.name or texts.UNNAMED, is_predictions) for is_predictions in (False, True)
    )
    for image in project.images():
        page = gallery.add(images, image_card(gallery.pictures + 1, image, place))
        summary.pages.setdefault(images, page)
        summary.counts.update(images=1, only_in_iteration=not image.in_workspace)
        summary.period.see(image.shown.created)
        yield
    for prediction in project.predictions():
        page = gallery.add(predictions, prediction_card(gallery.pictures + 1, prediction, place))
        summary.pages.setdefault(predictions, page)
        summary.counts.update(predictions=1)
        summary.period.see(prediction.shown.created)
        yield


def _is_there(packages: PackageStore, request_id: str, path: str) -> bool:
    """Ask by listing, so that keys are not read for it."""
    name = package_prefix(request_id) + path
    return any(entry.name == name for entry in packages.blobs.entries(name))


def _others(packages: PackageStore, request_id: str, pages: set[str]) -> list[str]:
    """Give the names of an earlier run's pages that are not needed any more."""
    prefix = package_prefix(request_id)
    listed = (entry.name for entry in packages.blobs.entries(f"{prefix}index-"))
    return [name for name in listed if name.removeprefix(prefix) not in pages]
