"""Writes `index.html` and the gallery pages of a package from the package's own files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from export_function.derived import texts
from export_function.derived.cards import Place, image_card, prediction_card
from export_function.derived.gallery import Gallery, Section
from export_function.derived.held import HeldImage, HeldProject
from export_function.derived.overview import overview_document
from export_function.derived.page import OVERVIEW
from export_function.derived.summary import ProjectSummary, summary_of
from export_function.derived.survey import survey_projects
from export_function.derived.writing import write_page
from shared.domain.links import without_links
from shared.packages import PackageStore, package_prefix
from shared.reading_ahead import ahead, begun, together, with_first_read

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
    """Write gallery and overview, one after the other, and give their rows for the manifest."""
    written = write_gallery(packages, request_id, time=time)
    return [write_overview(packages, written, manifest_head=manifest_head, gaps=gaps), *written.rows]


@dataclass(frozen=True, kw_only=True)
class WrittenGallery:
    """
    The gallery's pages and their `rows`; `projects`, `account` and `has_keys` are for the overview to show.

    `unneeded`: names of pages of an earlier run, to be removed when the overview does not lead there any more.
    """

    gallery: Gallery
    rows: Sequence[dict[str, Any]]
    projects: Sequence[ProjectSummary]
    account: Any
    has_keys: bool
    unneeded: Sequence[str]


def write_gallery(packages: PackageStore, request_id: str, *, time: str) -> WrittenGallery:
    """
    Write the pages with pictures.

    `time` is RFC 3339. To be called when every other file of the package is there. Memory does not grow with the
    pictures but by 18 bytes each. May raise `StorageUnavailable`.
    """

    def write(page: tuple[str, bytes]) -> dict[str, Any]:
        name, content = page
        return write_page(packages, request_id, name, content, time=time)

    gallery, projects = Gallery(request_id, time), list[ProjectSummary]()
    with begun(lambda: _before_the_pages(packages, request_id)) as read:
        rows = list(ahead(_gallery_pages(packages, request_id, gallery, projects), write, PAGES_AT_ONCE))
    account, has_keys, earlier = read()
    prefix, paths = package_prefix(request_id), {row["path"] for row in rows}
    return WrittenGallery(
        gallery=gallery,
        rows=rows,
        projects=projects,
        account=account,
        has_keys=has_keys,
        unneeded=[name for name in earlier if name.removeprefix(prefix) not in paths],
    )


def write_overview(
    packages: PackageStore,
    written: WrittenGallery,
    *,
    manifest_head: Mapping[str, Any],
    gaps: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """
    Write the first page and give its row for the manifest; gallery pages of an earlier run that are not needed go.

    `manifest_head` has `created_time`, `scope` and `stores` as in the manifest, `gaps` are the manifest's.
    """
    gallery = written.gallery
    page = overview_document(
        request_id=gallery.request_id,
        time=gallery.time,
        head=manifest_head,
        gaps=gaps,
        projects=written.projects,
        pages=gallery.pages,
        account=written.account,
        has_keys=written.has_keys,
    )
    row = write_page(packages, gallery.request_id, OVERVIEW, page, time=gallery.time)
    packages.blobs.delete_all(written.unneeded)
    return row


def _gallery_pages(
    packages: PackageStore, request_id: str, gallery: Gallery, projects: list[ProjectSummary]
) -> Iterator[tuple[str, bytes]]:
    """Give the gallery's pages as they fill up; `projects` takes what the overview says about each project."""
    for files in survey_projects(packages, request_id):
        project = HeldProject(packages, request_id, files)
        summary, images = together(partial(summary_of, project), partial(with_first_read, project.images()))
        projects.append(summary)
        for _ in _pictures_into(gallery, project, summary, images):
            yield from gallery.full()
    gallery.finish()
    yield from gallery.full()


def _pictures_into(
    gallery: Gallery, project: HeldProject, summary: ProjectSummary, held: Iterator[HeldImage]
) -> Iterator[None]:
    """Put all pictures of a project into the gallery, one at each step, and count them."""
    names = {row["id"]: str(row.get("name") or "") for row in project.iterations}
    place = Place(summary.project_id, names)
    images, predictions = (
        Section(summary.project_id, summary.name or texts.UNNAMED, is_predictions) for is_predictions in (False, True)
    )
    for image in held:
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


def _before_the_pages(packages: PackageStore, request_id: str) -> tuple[Any, bool, list[str]]:
    """Read the accounts, ask whether there are keys, and list the pages of an earlier run."""
    start = f"{package_prefix(request_id)}index-"
    account, (has_keys, earlier) = together(
        lambda: packages.read(request_id, ACCOUNT),
        lambda: together(
            lambda: _is_there(packages, request_id, ACCOUNT_KEYS),
            lambda: [entry.name for entry in packages.blobs.entries(start)],
        ),
    )
    return None if account is None else without_links(json.loads(account)), has_keys, earlier


def _is_there(packages: PackageStore, request_id: str, path: str) -> bool:
    """Ask by listing, so that keys are not read for it."""
    name = package_prefix(request_id) + path
    return any(entry.name == name for entry in packages.blobs.entries(name))
