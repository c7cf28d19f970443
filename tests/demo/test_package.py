"""Fetching a package, and reading it from disk."""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import pytest

from local.demo.app import App, UnexpectedAnswerError
from local.demo.package import download, files_in, files_naming, files_with_links, pictures_in, rows_in
from local.functions_host.process import HostProcess

SECRET = "sig=abc"


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


def test_a_signed_link_is_noticed(tmp_path: Path) -> None:
    put(tmp_path, "manifest.json", json.dumps({"files": []}).encode())
    put(tmp_path, "projects/p/tags.json", b'[{"link": "https://a.example/b?sv=2026&sig=abc"}]')
    assert files_with_links(tmp_path) == ["projects/p/tags.json"]


def test_a_file_that_names_a_person_is_noticed_and_one_that_names_another_is_not(tmp_path: Path) -> None:
    put(tmp_path, "projects/p/images.csv", b'aaa,"{""subject"": ""person-7""}"')
    put(tmp_path, "projects/p/images/00001.jsonl", b'{"metadata": {"subject": "person-71"}, "tag": "a-person-7"}')
    put(tmp_path, "projects/p/images/files/aaa.jpg", b"person-7")
    assert files_naming("person-7", tmp_path) == ["projects/p/images.csv"]


@dataclass
class Served:
    """What a stand-in of the app answers by path: a place to go on to, bytes, or a status without either."""

    answers: dict[str, str | bytes | int]

    @contextmanager
    def running(self, folder: Path) -> Iterator[App]:
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = answers.get(self.path, 404)
                code = answer if isinstance(answer, int) else 302 if isinstance(answer, str) else 200
                content = answer if isinstance(answer, bytes) else b""
                self.send_response(code)
                if isinstance(answer, str):
                    self.send_header("Location", f"http://{self.headers['Host']}{answer}")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            host = HostProcess(folder, {}, 0, folder / "log", 0)
            host.url = f"http://127.0.0.1:{server.server_port}"
            try:
                with App(host) as app:
                    yield app
            finally:
                server.shutdown()


def zip_of(**files: bytes) -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_every_zip_is_fetched_and_unpacked_into_one_folder(tmp_path: Path) -> None:
    parts: dict[str, str | bytes | int] = {}
    for number, content in enumerate((zip_of(first=b"1"), zip_of(second=b"2")), start=1):
        parts |= {f"/api/requests/r/package?part={number}": f"/{number}?{SECRET}", f"/{number}?{SECRET}": content}
    with Served(parts).running(tmp_path) as app:
        zips = download(app, "r", tmp_path / "package")
    assert [path.name for path in zips] == ["package-001.zip", "package-002.zip"]
    assert sorted(path.name for path in files_in(tmp_path / "package")) == ["first", "second"]


@pytest.mark.parametrize("answer", [403, 500])
def test_a_link_that_gives_nothing_is_told_without_the_link(tmp_path: Path, answer: int) -> None:
    served = Served({"/api/requests/r/package?part=1": f"/1?{SECRET}", f"/1?{SECRET}": answer})
    with served.running(tmp_path) as app, pytest.raises(UnexpectedAnswerError) as caught:
        download(app, "r", tmp_path / "package")
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_package_that_cannot_be_had_is_an_error_not_an_empty_package(tmp_path: Path) -> None:
    served = Served({"/api/requests/r/package?part=1": 409})
    with served.running(tmp_path) as app, pytest.raises(UnexpectedAnswerError, match="was answered 409"):
        download(app, "r", tmp_path / "package")
