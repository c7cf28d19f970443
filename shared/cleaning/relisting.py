"""
The manifest of a package after cleaning: other pages, other counts, and one write that makes them count.

The new pages get numbers after the old ones; until `manifest.json` is written the old manifest and its pages are
whole, so that everything can be worked out again from them. The old pages go afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.cleaning.places import Erased, is_doomed, is_index, picture_id, place, store_of
from shared.cleaning.scrubbing import as_it_lies
from shared.domain.canonical import readable
from shared.domain.work import Counts, add_counts
from shared.file_pages import MANIFEST, PAGES, listed_rows, write_pages
from shared.packages import PackageStore, package_prefix

type Row = Mapping[str, Any]


@dataclass
class Taken:
    """What a manifest lists that goes: `items` counts pictures, `stores` what each store loses of its counts."""

    items: int = 0
    stores: Counts = field(default_factory=dict)

    def add(self, path: str) -> None:
        """Count a file that goes."""
        where = place(path)
        store = store_of(where[1]) if where else None
        if where is None or store is None:
            return
        self.items += picture_id(where[1]) is not None
        self.stores = add_counts(self.stores, {store: {"found": 1, "written": 1}})

    def stores_left(self, stores: Mapping[str, Row]) -> dict[str, dict[str, Any]]:
        """Give the manifest's table without it; no count falls below nothing."""
        left = {}
        for store, words in stores.items():
            lost = self.stores.get(store, {})
            left[store] = {word: _less(number, lost.get(word, 0)) for word, number in words.items()}
        return left


def _less(number: Any, lost: int) -> Any:  # noqa: ANN401 - a count, or null
    return max(number - lost, 0) if lost else number


def taken_of(packages: PackageStore, package_id: str, erased: Erased, tags: int) -> Taken:
    """Count what goes of the files that the manifest lists; `tags`: how many are in projects that go as a whole."""
    taken = Taken(stores={"tags": {"found": tags, "written": tags}} if tags else {})
    for row in listed_rows(packages, package_id):
        if is_doomed(row["path"], erased):
            taken.add(row["path"])
    return taken


def head_after(manifest: Mapping[str, Any], taken: Taken, *, passes: int, time: str) -> dict[str, Any]:
    """Give the manifest after a pass, still with the old pages."""
    return {
        **manifest,
        "stores": taken.stores_left(manifest["stores"]),
        "erased_on_request": manifest["erased_on_request"] + taken.items,
        "cleaned": {"passes": passes, "time": time},
    }


def passes_of(manifest: Mapping[str, Any]) -> int:
    """Give the number of the last cleaning that a manifest tells of; 0 if there was none."""
    return int(manifest.get("cleaned", {}).get("passes", 0))


def relist(
    packages: PackageStore, package_id: str, erased: Erased, head: Mapping[str, Any], index: Sequence[Row]
) -> None:
    """
    List what is there now and write the manifest; `head` comes from `head_after`, `index` are the new pages for people.

    A file stays in the zip that it was in: files only become smaller.
    """
    rows = _rows_after(packages, package_id, erased, index)
    pages = write_pages(packages, package_id, rows, first=_following(head["files"]))
    packages.write_plain(package_id, MANIFEST, readable({**head, "files": pages}))


def remove_other_pages(packages: PackageStore, package_id: str, manifest: Mapping[str, Any]) -> None:
    """Remove pages that the manifest does not have."""
    prefix = package_prefix(package_id)
    listed = {prefix + page["path"] for page in manifest["files"]}
    others = (entry.name for entry in packages.blobs.entries(prefix + PAGES) if entry.name not in listed)
    packages.blobs.delete_all(others)


def _rows_after(packages: PackageStore, package_id: str, erased: Erased, index: Sequence[Row]) -> Iterator[Row]:
    fresh, lying, front_zip = {row["path"]: row for row in index}, _data_files(packages, package_id), None
    for row in listed_rows(packages, package_id):
        path = row["path"]
        if is_doomed(path, erased):
            continue
        if is_index(path):
            front_zip = front_zip or row["zipped"]
            if path in fresh:
                yield {**fresh.pop(path), "zipped": row["zipped"]}
        elif path in lying and lying[path] != (row["bytes"], row["md5"]):
            yield as_it_lies(packages, package_id, row) or row
        else:
            yield row
    for row in fresh.values():
        yield {**row, "zipped": front_zip}


def _data_files(packages: PackageStore, package_id: str) -> dict[str, tuple[int, str | None]]:
    """
    Give size and MD5 of all files but pictures, as the listing shows them.

    Not only what was cleaned may differ from the old manifest: a second run of an export's unit that came late has
    written the service's lists in another order. What lies there is what is listed, else no zip could be built of it.
    """
    prefix = package_prefix(package_id)
    files = ((entry.name.removeprefix(prefix), entry) for entry in packages.blobs.entries(prefix))
    return {path: (e.size, e.md5.hex() if e.md5 else None) for path, e in files if not _is_picture(path)}


def _is_picture(path: str) -> bool:
    where = place(path)
    return where is not None and picture_id(where[1]) is not None


def _following(pages: Sequence[Row]) -> int:
    numbers = (int(page["path"].removeprefix(PAGES).removesuffix(".jsonl")) for page in pages)
    return max(numbers, default=0) + 1
