"""Reading a package from disk."""

import hashlib
import json
from pathlib import Path

from local.demo.package import files_with_links, pictures_in, rows_in, size_of


def put(folder: Path, name: str, content: bytes) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def test_pictures_and_rows_are_found_by_image_id(tmp_path: Path) -> None:
    put(tmp_path, "projects/p/images/files/aaa.jpg", b"picture")
    put(tmp_path, "projects/p/images/00001.jsonl", b'{"id": "aaa", "tags": []}\n{"id": "bbb"}\n')
    put(tmp_path, "projects/p/iterations/i/images/00001.jsonl", b'{"id": "ccc"}\n')
    assert pictures_in(tmp_path) == {"aaa": hashlib.sha256(b"picture").hexdigest()}
    assert set(rows_in(tmp_path)) == {"aaa", "bbb"}
    assert size_of(tmp_path) == 7 + 40 + 14


def test_a_signed_link_is_noticed(tmp_path: Path) -> None:
    put(tmp_path, "manifest.json", json.dumps({"files": []}).encode())
    put(tmp_path, "projects/p/tags.json", b'[{"link": "https://a.example/b?sv=2026&sig=abc"}]')
    assert files_with_links(tmp_path) == ["projects/p/tags.json"]
