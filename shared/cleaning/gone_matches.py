"""
Whose pictures earlier packages hold by their tags or metadata, although the service has them no longer.

Asked while an erasure is planned: somebody deleted the person's pictures by hand, and a package from before still has
them. What the service still has is judged by the service's rows alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.cleaning.held_ids import held_ids
from shared.cleaning.packaged import Packaged, is_of_images, planned_units
from shared.cleaning.passing import exports_kept
from shared.cleaning.places import source_of_rows
from shared.cleaning.scrubbing import project_entries
from shared.domain.packed_ids import PackedIds
from shared.domain.record import RequestRecord
from shared.domain.resources import Image
from shared.domain.selection import WORKSPACE, Verdicts
from shared.domain.subject_request import ImageSelector
from shared.packages import project_path
from shared.services import Services
from shared.tombstones import Tombstones


@dataclass
class GoneMatches:
    """
    Looks for images that match in packages and are not in the service.

    `listed`: what the service has of each project that it has, workspace and iterations together. `observe` gets every
    row that is judged.
    """

    services: Services
    selector: ImageSelector
    listed: Mapping[str, PackedIds]
    observe: Callable[[Sequence[Image]], None] = lambda _: None
    _verdicts: dict[str, Verdicts] = field(default_factory=dict)
    _resources: dict[str, str] = field(default_factory=dict)

    def find(self, projects: Collection[str], exempt: Collection[str]) -> dict[str, Packaged]:
        """
        Find them in packages, by project; of an export that runs in what it has written by now.

        The newest row of an image decides: that of the newest package, in it the workspace's, then the newest
        iteration's. Reads one index of ids for each package and project (of an export that runs its plan), and its rows
        only where it has an id that the service has not. Memory: the ids that the service has not. May raise
        `StorageUnavailable`.
        """
        for record in exports_kept(self.services, projects) if self.selector.needs_listing else ():
            package_id = record.subject_request_id
            if package_id in exempt or self.services.has_expired(record):
                continue
            plan = self.services.ledger.plan(package_id)
            for project in plan["projects"] if plan else ():
                if project["id"] in projects and self._may_hold_what_is_gone(record, project["id"]):
                    self._judge(package_id, project)
        return {
            project_id: Packaged(self._resources[project_id], Tombstones(images=set(verdicts.selected)))
            for project_id, verdicts in self._verdicts.items()
            if verdicts.selected
        }

    def _may_hold_what_is_gone(self, record: RequestRecord, project_id: str) -> bool:
        package_id, there = record.subject_request_id, self.listed.get(project_id, PackedIds())
        if record.status.is_final:
            return not there.has_all_of(held_ids(self.services, package_id, project_id))
        units = (u for u in planned_units(self.services, package_id) if u.project_id == project_id and is_of_images(u))
        return not all(there.has(item) for unit in units for item in unit.item_ids)

    def _judge(self, package_id: str, project: Mapping[str, Any]) -> None:
        project_id, there = project["id"], self.listed.get(project["id"], PackedIds())
        self._resources.setdefault(project_id, project["resource"])
        verdicts = self._verdicts.setdefault(project_id, Verdicts(self.selector))
        for rows in self._pages(package_id, project):
            gone = [row for row in rows if not there.has(row.id)]
            self.observe(gone)
            verdicts.observe(gone, None)

    def _pages(self, package_id: str, project: Mapping[str, Any]) -> Iterator[list[Image]]:
        """Give the rows of a project's images page by page, the sources in the order of precedence."""
        paths: dict[str, list[str]] = {}
        for path, _ in project_entries(self.services.packages, package_id, project["id"]):
            source = source_of_rows(path)
            if source is not None:
                paths.setdefault(source, []).append(path)
        planned = [source["iteration_id"] or WORKSPACE for source in project["sources"]]  # newest first
        for source in [*planned, *sorted(paths.keys() - set(planned))]:
            for path in paths.get(source, ()):
                content = self.services.packages.read(package_id, project_path(project["id"], path)) or b""
                yield [Image.from_row(json.loads(line)) for line in content.splitlines()]
