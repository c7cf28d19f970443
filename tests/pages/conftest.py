"""One Chromium for all tests of pages, and one package full of traps in a folder with a difficult name."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from export_function.derived import derive_project, write_index
from shared.packages import PackageStore
from tests.fakes import InMemoryBlobStore
from tests.pages.chromium import Browser, Page, running_chromium
from tests.pages.traps import GAPS, STORES, fill
from tests.unit.derived.built import HEAD, REQUEST_ID, TIME, Builder


@dataclass(frozen=True)
class Unpacked:
    """A package on disk."""

    folder: Path

    @property
    def index(self) -> Path:
        """The overview."""
        return self.folder / "index.html"

    @property
    def pages(self) -> list[Path]:
        """All pages."""
        return [self.index, *sorted(self.folder.glob("index-*.html"))]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """A package with every store, whose names try to break out of the pages."""
    builder = Builder(PackageStore(InMemoryBlobStore()))
    fill(builder)
    derive_project(builder.packages, REQUEST_ID, builder.project_id, formats=["coco", "csv"], time=TIME)
    head = HEAD | {"stores": STORES}
    write_index(builder.packages, REQUEST_ID, manifest_head=head, gaps=GAPS, time=TIME)
    folder = tmp_path_factory.mktemp("pages") / "Ännas export #1 (100%)"
    assert list(builder.unpack(folder))
    return Unpacked(folder)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running Chromium."""
    with running_chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Page:
    """A new tab."""
    return Page(browser)
