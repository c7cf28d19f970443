"""Downloaded packages, and the verification of them as a person runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from export_function.zip_parts import Limits
from local.verify_package.places import download_at
from local.verify_package.report import Report
from local.verify_package.verification import verify
from tests.fakes import InMemoryBlobStore
from tests.verify_package.packages import PackageWriter, finished_package

SMALL = Limits(size=24_000, manifest=3_000)


@dataclass(frozen=True)
class Verified:
    """What a verification said."""

    findings: list[str]
    notes: list[str]
    facts: list[str]


type Verify = Callable[[Path], Verified]


@pytest.fixture
def package() -> PackageWriter:
    """A package of several zips."""
    return finished_package(InMemoryBlobStore(), limits=SMALL)


@pytest.fixture
def folder(package: PackageWriter, tmp_path: Path) -> Path:
    """The package's blobs as they are, zips included."""
    return package.download(tmp_path / "blobs")


@pytest.fixture
def zips(package: PackageWriter, tmp_path: Path) -> Path:
    """The package's zips alone."""
    return package.download(tmp_path / "zips", only_zips=True)


@pytest.fixture
def verified() -> Verify:
    """Verify what lies at a path."""

    def run(path: Path) -> Verified:
        said: list[str] = []
        report = Report(said.append)
        verify(download_at(path), report)
        findings = [line.removeprefix("WRONG  ") for line in said if line.startswith("WRONG")]
        assert len(findings) == report.findings
        return Verified(
            findings, [line for line in said if line.startswith("NOTE")], [line for line in said if line[0] == " "]
        )

    return run
