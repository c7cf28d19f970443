"""What the manifest lists and what was seen, in a temporary database: a big package needs no more memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

_TABLES = """
create table files (path text primary key, bytes integer, md5 text, sha256 text, media_type text, zipped text,
                    seen integer default 0, unpacked integer default 0) without rowid;
create table pictures (kind text, project text, id text, path text);
create table items (kind text, project text, id text, primary key (kind, project, id)) without rowid;
"""
PICTURES = {"image_id": "images", "prediction_id": "predictions"}


class Listing:
    """The rows of a manifest. `seen` means in the folder, `unpacked` in the zip that it is listed for."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.row_factory = sqlite3.Row
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Drop everything."""
        self._database.close()

    def add(self, row: Mapping[str, Any]) -> bool:
        """Note a file row; False if its path is listed already."""
        values = [row[name] for name in ("path", "bytes", "md5", "sha256", "media_type", "zipped")]
        new = "insert or ignore into files (path, bytes, md5, sha256, media_type, zipped) values (?, ?, ?, ?, ?, ?)"
        if not self._database.execute(new, values).rowcount:
            return False
        for name, kind in PICTURES.items():
            if name in row["ids"]:
                project, item = _stored(row["ids"].get("project_id", "")), _stored(row["ids"][name])
                picture = (kind, project, item, row["path"])
                self._database.execute("insert into pictures values (?, ?, ?, ?)", picture)
        return True

    def row(self, path: str) -> dict[str, Any] | None:
        """Give what is listed of a file; None if it is not listed."""
        found = self._database.execute("select * from files where path = ?", (_stored(path),)).fetchone()
        return None if found is None else dict(found)

    def note(self, path: str, *, zipped: bool) -> bool:
        """Note that a file was met; False if it was met in the same place before."""
        first = "update files set unpacked = 1 where path = ? and unpacked = 0"
        second = "update files set seen = 1 where path = ? and seen = 0"
        return bool(self._database.execute(first if zipped else second, (path,)).rowcount)

    def note_item(self, kind: str, project: str, item_id: str) -> None:
        """Note that a data row describes an item."""
        self._database.execute("insert or ignore into items values (?, ?, ?)", (kind, project, _stored(item_id)))

    def not_seen(self) -> Iterator[sqlite3.Row]:
        """Give the listed files that no folder had, in order of path."""
        return self._database.execute("select * from files where not seen order by path")

    def not_unpacked(self) -> Iterator[sqlite3.Row]:
        """Give the files that are listed for a zip and were not met in it."""
        return self._database.execute(
            "select * from files where zipped is not null and not unpacked order by zipped, path"
        )

    def without_description(self) -> Iterator[str]:
        """Give the paths of pictures that no data row describes."""
        missing = (
            "select path from pictures p where not exists "
            "(select 1 from items i where i.kind = p.kind and i.project = p.project and i.id = p.id) order by path"
        )
        return (row["path"] for row in self._database.execute(missing))

    def zips(self) -> list[tuple[str, int]]:
        """Give the zips that files are listed for, and how many."""
        grouped = "select zipped, count(*) from files where zipped is not null group by zipped order by zipped"
        return [(name, number) for name, number in self._database.execute(grouped)]

    def totals(self) -> dict[str, int]:
        """Count files and bytes, files without MD5, without SHA-256, without both, and files that no zip holds."""
        counted = (
            "select count(*) as files, ifnull(sum(bytes), 0) as bytes, count(*) - count(md5) as without_md5, "
            "count(*) - count(sha256) as without_sha256, count(*) - count(zipped) as not_zipped, "
            "count(*) - count(coalesce(md5, sha256)) as by_size_only from files"
        )
        return dict(self._database.execute(counted).fetchone())


def _stored(text: str) -> str:
    """Give a text that the database takes: names of files and values of JSON may hold half a character."""
    return text.encode(errors="backslashreplace").decode()
