"""
One pass over a package: everything that some erasures take away goes, and what is made of the rest is made again.

The order makes it safe to die anywhere: the zips that change go first, so that no old one survives; then pictures and
rows; then the files that are made of them; then the manifest, in one write; then the zips are built again. The journal
says how far it has come, and each step ends the same when it is done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

from shared.cleaning.journal import Lease
from shared.cleaning.leased_blobs import LeasedBlobs
from shared.cleaning.places import FORMATS, Erased, is_doomed, is_index, may_change
from shared.cleaning.relisting import head_after, passes_of, relist, remove_other_pages, taken_of
from shared.cleaning.scrubbing import project_entries, scrub_project
from shared.cleaning.searching import tag_count
from shared.domain.times import rfc3339
from shared.file_pages import listed_rows, manifest_of_package
from shared.packages import PackageStore, package_prefix, part_name
from shared.ports import Clock

type Row = Mapping[str, Any]

SLICE = timedelta(seconds=90)
"""How long one message works at a package before another one goes on (a function is stopped after ten minutes)."""


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """
    How an export makes what is made of its other files; handed in, since cleaning knows no export.

    `derive_project(packages, package_id, project_id, formats=, time=)`, `write_index(packages, package_id,
    manifest_head=, gaps=, time=)` gives the rows of the pages, `build_part(packages, package_id, part, rows)` where
    `rows()` gives the manifest's rows.
    """

    derive_project: Callable[..., object]
    write_index: Callable[..., Sequence[Row]]
    build_part: Callable[[PackageStore, str, int, Callable[[], Iterable[Row]]], object]


@dataclass(frozen=True)
class CleaningPass:
    """The pass that a lease stands for. `erased`: what all erasures of the batch take away, by project."""

    lease: Lease
    packages: PackageStore
    erased: Erased
    rebuild: Rebuild
    clock: Clock

    def run(self) -> bool:
        """
        Go on with the pass for about `SLICE`; True when it is finished, otherwise the lease is let go.

        Raises `Superseded` if the lease was lost, `StorageUnavailable`.
        """
        until = self.clock.now() + SLICE
        for step in self._steps():
            step()
            if self.clock.now() >= until:
                self.lease.release()
                return False
        self.lease.finish()
        return True

    @cached_property
    def _leased(self) -> PackageStore:
        return PackageStore(LeasedBlobs(self.packages.blobs, self.lease.keep))

    @property
    def _id(self) -> str:
        return self.lease.package_id

    @property
    def _stage(self) -> Mapping[str, Any]:
        return self.lease.journal.stage

    def _steps(self) -> Iterable[Callable[[], None]]:
        """Give the steps that are left, each when the one before is done."""
        if "parts" not in self._stage:
            yield self._survey
        if not self._is_listed():
            yield self._remove_zips
            for project_id in sorted(self.erased):
                if project_id not in self._stage.get("projects", ()):
                    yield partial(self._clean_project, project_id)
            yield self._list_again
        yield self._remove_pages
        for part in self._stage["parts"]:
            if part not in self._stage.get("built", ()):
                yield partial(self._build_part, part)

    def _manifest(self) -> dict[str, Any] | None:
        return manifest_of_package(self._leased, self._id)

    def _is_listed(self) -> bool:
        manifest = self._manifest()
        return manifest is not None and passes_of(manifest) >= self.lease.journal.passes

    def _survey(self) -> None:
        """Note what can only be seen before anything changes: which zips hold what changes, and tags that go."""
        tags = sum(tag_count(self._leased, self._id, project_id, taken) for project_id, taken in self.erased.items())
        parts = self._concerned_parts() if self._manifest() is not None else []
        self.lease.note(parts=parts, tags=tags)

    def _concerned_parts(self) -> list[int]:
        rows = (row for row in listed_rows(self._leased, self._id) if row["zipped"] is not None)
        names = {row["zipped"] for row in rows if self._changes(row["path"])}
        return sorted({1, *map(_part_number, names)}) if names else []

    def _changes(self, path: str) -> bool:
        return is_doomed(path, self.erased) or may_change(path, self.erased) or is_index(path)

    def _remove_zips(self) -> None:
        prefix = package_prefix(self._id)
        self._leased.blobs.delete_all(prefix + part_name(part) for part in self._stage["parts"])

    def _clean_project(self, project_id: str) -> None:
        scrub_project(self._leased, self._id, project_id, self.erased[project_id])
        formats = {FORMATS[path] for path, _ in project_entries(self._leased, self._id, project_id) if path in FORMATS}
        if formats:
            self.rebuild.derive_project(self._leased, self._id, project_id, formats=formats, time=self._now())
        self.lease.note(projects=[*self._stage.get("projects", ()), project_id])

    def _list_again(self) -> None:
        """Write pages for people and manifest again; a package without a manifest loses pages and zips."""
        manifest = self._manifest()
        if manifest is None:
            self._remove_what_nothing_lists()
            return
        taken = taken_of(self._leased, self._id, self.erased, self._stage["tags"])
        head = head_after(manifest, taken, passes=self.lease.journal.passes, time=self._now())
        index = self.rebuild.write_index(
            self._leased, self._id, manifest_head=head, gaps=head["gaps"], time=manifest["created_time"]
        )
        relist(self._leased, self._id, self.erased, head, index)

    def _remove_what_nothing_lists(self) -> None:
        prefix = package_prefix(self._id)
        made = (entry.name for start in ("index", "package-") for entry in self._leased.blobs.entries(prefix + start))
        self._leased.blobs.delete_all(made)

    def _remove_pages(self) -> None:
        manifest = self._manifest()
        if manifest is not None:
            remove_other_pages(self._leased, self._id, manifest)

    def _build_part(self, part: int) -> None:
        """Build a zip again, unless all that was in it is gone."""
        name = part_name(part)
        if part == 1 or any(row["zipped"] == name for row in self._rows()):
            self.rebuild.build_part(self._leased, self._id, part, self._rows)
        self.lease.note(built=[*self._stage.get("built", ()), part])

    def _rows(self) -> Iterable[Row]:
        return listed_rows(self._leased, self._id)

    def _now(self) -> str:
        return rfc3339(self.clock.now())


def _part_number(name: str) -> int:
    return int(name.removeprefix("package-").removesuffix(".zip"))
