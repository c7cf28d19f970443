"""The audit of the packages: only a whole answer without an advisory is a success."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local.advisories import __main__ as advisories

CLEAN = '{"name": "requests", "version": "2.34.2", "vulns": []}'
KNOWN = """{"name": "croniter", "version": "7.0.0", "vulns": [
  {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["7.0.1"], "description": "…"},
  {"id": "PYSEC-2", "fix_versions": []}]}"""
UNKNOWN = '{"name": "pyjwt", "skip_reason": "not found"}'


type Audit = Callable[[str], int]


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """Run the audit with a pip-audit that answers what it is told, and ends as the real one does: always with 1."""

    def run(answer: str) -> int:
        program = tmp_path / "pip-audit"
        program.write_text(f"#!/bin/sh\ncat > \"$6\" <<'END'\n{answer}\nEND\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setattr(advisories, "PIP_AUDIT", program)
        return advisories.main()

    return run


def dependencies(*packages: str) -> str:
    return f'{{"dependencies": [{", ".join(packages)}], "fixes": []}}'


def test_packages_of_which_nothing_is_known_pass(audit: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(dependencies(CLEAN)) == 0
    assert "1 of 1 packages were found" in capsys.readouterr().out


def test_what_is_known_is_told_with_the_version_that_mends_it(audit: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(dependencies(CLEAN, KNOWN, UNKNOWN)) == 1
    told = capsys.readouterr().out
    assert "croniter 7.0.0: PYSEC-1 (CVE-1), mended in 7.0.1\n" in told
    assert "croniter 7.0.0: PYSEC-2 (no alias), mended in no version yet\n" in told


@pytest.mark.parametrize("packages", [(UNKNOWN,), (CLEAN, UNKNOWN), ()])
def test_packages_that_were_not_looked_up_do_not_count_as_good(audit: Audit, packages: tuple[str, ...]) -> None:
    assert audit(dependencies(*packages)) == 2


def test_without_a_database_nothing_is_called_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text("#!/bin/sh\necho 'Failed to resolve api.example' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(advisories, "PIP_AUDIT", program)
    assert advisories.main() == 2
    assert "nothing was audited" in capsys.readouterr().err
