"""The verification of one package: manifest and pages, every file in the folder and in each zip, counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.verify_package.counts import Held
from local.verify_package.front import Front, FrontReader
from local.verify_package.listing import Listing
from local.verify_package.places import FIRST_ZIP, MANIFEST, Download, Place, Unreadable, chunks_of, opened_zip
from local.verify_package.report import Report
from local.verify_package.watching import Digests, JsonLines, Links, Watcher, WholeJson

LARGEST_ZIP = 1024**3
_DATA_TYPES = frozenset({"application/json", "application/x-ndjson"})
_ITEM_ROWS = re.compile(r"projects/([0-9a-f-]{36})/(?:iterations/[0-9a-f-]{36}/)?(images|predictions)/\d+\.jsonl")


def verify(download: Download, report: Report) -> None:
    """
    Check a downloaded package and tell the report everything that is wrong with it.

    Nothing is written, nothing is read from elsewhere. Memory: some MiB, and the directory of one zip at a time.
    """
    with closing(Listing()) as listing:
        held = Held()
        front = _read_front(download, report, listing, held)
        if front is not None:
            Verification(report=report, listing=listing, held=held, front=front, download=download).run()


def _read_front(download: Download, report: Report, listing: Listing, held: Held) -> Front | None:
    try:
        with download.front() as place:
            if place is not None:
                return FrontReader(report, listing, held, place).read()
    except Unreadable as error:
        report.finding(FIRST_ZIP, str(error))
    else:
        report.finding(MANIFEST, f"is missing, and so is {FIRST_ZIP}, which holds it")
    return None


@dataclass(kw_only=True)
class Verification:
    """The checks that need the manifest."""

    report: Report
    listing: Listing
    held: Held
    front: Front
    download: Download
    opened: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Check everything, and say in words what was checked."""
        self._say_listed()
        if self.download.folder is not None:
            self._place(self.download.folder)
            self._missing_in_folder()
        for file in self.download.zips:
            self._zip(file)
        self._missing_in_zips()
        for path in self.listing.without_description():
            self.report.finding(path, "no data row describes this picture")
        for where, what in self.held.wrong(self.front.manifest):
            self.report.finding(f"{MANIFEST} {where}", what)

    def _say_listed(self) -> None:
        totals, manifest = self.listing.totals(), self.front.manifest
        self.report.fact(f"package of request {manifest['subject_request_id']}, made {manifest['created_time']}")
        self.report.fact(
            f"{MANIFEST} fits its schema; its {len(manifest['files']):,} pages list {totals['files']:,} files "
            f"of {totals['bytes']:,} bytes"
        )
        self.report.fact(
            f"no MD5 is known of {totals['without_md5']:,} files, no SHA-256 of {totals['without_sha256']:,}; "
            f"{totals['by_size_only']:,} can be compared by size only"
        )

    def _zip(self, file: Path) -> None:
        try:
            with opened_zip(file) as place:
                self.opened.add(place.name)
                if (size := file.stat().st_size) > LARGEST_ZIP:
                    self.report.finding(place.name, f"has {size:,} bytes, more than the 1 GiB that a zip may have")
                self._place(place)
                for name, what in place.wrong_form():
                    self.report.finding(f"{place.name} {name}".rstrip(), what)
        except Unreadable as error:
            self.broken.add(file.name)
            self.report.finding(file.name, str(error))

    def _place(self, place: Place) -> None:
        """Check every file that lies in a place, and that it belongs there."""
        number = 0
        for path in place.paths():
            number += 1
            if path in self.front.digests:
                self._front_file(place, path)
            else:
                self._listed_file(place, path)
        self.report.fact(f"{place.name or 'the folder'}: {number:,} files read to the end and compared")

    def _front_file(self, place: Place, path: str) -> None:
        """Manifest and pages lie in the folder and the first zip only, and are the same in both."""
        if place.name not in ("", FIRST_ZIP):
            self.report.finding(_in(place, path), "belongs into the first zip only")
            return
        digest = hashlib.sha256()
        try:
            for chunk in chunks_of(place, path):
                digest.update(chunk)
        except Unreadable as error:
            self.report.finding(_in(place, path), str(error))
        else:
            if digest.hexdigest() != self.front.digests[path]:
                self.report.finding(_in(place, path), "its SHA-256 is not the one in the manifest")

    def _listed_file(self, place: Place, path: str) -> None:
        row = self.listing.row(path)
        if row is None:
            self.report.finding(_in(place, path), "is not listed in the manifest")
        elif place.name and row["zipped"] != place.name:
            self.report.finding(_in(place, path), f"is listed for {row['zipped'] or 'no zip'}, not for this one")
        elif not self.listing.note(path, zipped=bool(place.name)):
            self.report.finding(_in(place, path), "is there more than once")
        else:
            self._compare(place, path, row)

    def _compare(self, place: Place, path: str, row: Mapping[str, Any]) -> None:
        watchers = list(self._watchers(row))
        try:
            for chunk in chunks_of(place, path):
                for watcher in watchers:
                    watcher.feed(chunk)
        except Unreadable as error:
            self.report.finding(_in(place, path), str(error))
            return
        for watcher in watchers:
            for what in watcher.wrong():
                self.report.finding(_in(place, path), what)

    def _watchers(self, row: Mapping[str, Any]) -> Iterator[Watcher]:
        path, kind = row["path"], row["media_type"]
        yield Digests(row)
        if kind in _DATA_TYPES or kind.startswith("text/"):
            yield Links()
        if path.endswith(".jsonl"):
            yield JsonLines(lambda line: self._note_item(path, line))
        elif path.endswith(".json"):
            yield WholeJson(
                lambda value: self.held.note_document(path, value),
                lambda size: self._note_unparsed(path, size),
            )

    def _note_unparsed(self, path: str, size: int) -> None:
        self.held.note_unparsed(path)
        self.report.fact(f"{path}: {size:,} bytes of JSON, compared and not parsed")

    def _note_item(self, path: str, line: Mapping[str, Any]) -> None:
        if found := _ITEM_ROWS.fullmatch(path):
            self.listing.note_item(found[2], found[1], str(line.get("id", "")).lower())

    def _missing_in_folder(self) -> None:
        """What no zip holds may be absent from a folder that zips were unpacked into: no zips lie there then."""
        is_unpacked, absent = not self.download.zips and bool(self.listing.zips()), 0
        for row in self.listing.not_seen():
            if is_unpacked and row["zipped"] is None:
                absent += 1
            else:
                self.report.finding(row["path"], "is listed and missing")
        if absent:
            self.report.left_out(f"{absent:,} listed files are in no zip and not here")

    def _missing_in_zips(self) -> None:
        if not self.download.zips:
            if self.listing.zips():
                self.report.left_out("no zips lie beside the files: none was checked")
            return
        listed = dict(self.listing.zips())
        for name in sorted(listed.keys() - self.opened - self.broken):
            self.report.finding(name, f"is missing, and with it {listed[name]:,} listed files")
        for row in self.listing.not_unpacked():
            if row["zipped"] in self.opened:
                self.report.finding(f"{row['zipped']} {row['path']}", "is listed for this zip and missing in it")
        for name in sorted(self.opened - {FIRST_ZIP} - listed.keys()):
            self.report.finding(name, "no file is listed for this zip")
        outside = self.listing.totals()["not_zipped"]
        if outside and self.download.folder is None:
            self.report.left_out(f"{outside:,} listed files are in no zip and not here")


def _in(place: Place, path: str) -> str:
    return f"{place.name} {path}" if place.name else path
