"""What is deployed, and what is left out."""

from pathlib import Path

import pathspec
import pytest

ROOT = Path(__file__).resolve().parents[2]
IGNORED = pathspec.GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text().splitlines())
CODE_FOLDERS = {"delete_function", "export_function", "request_function", "shared"}
FILES = {"function_app.py", "host.json", "requirements.txt"}


def deployed() -> set[str]:
    """Return the names at the project's root of which anything is deployed."""
    return {path.name for path in ROOT.iterdir() if not IGNORED.match_file(path.name + "/" * path.is_dir())}


def test_nothing_is_deployed_but_the_app() -> None:
    assert deployed() <= CODE_FOLDERS | FILES


def test_the_code_folders_and_the_requirements_are_deployed() -> None:
    assert deployed() >= CODE_FOLDERS | {"requirements.txt"}


@pytest.mark.parametrize(
    "path",
    [
        "local/stack.py",
        "local/functions_host/__main__.py",
        "local/custom_vision/__main__.py",
        "local/advisories/__main__.py",
        ".github/workflows/ci.yml",
        "tests/conftest.py",
        "local.settings.json",
        "local.settings.json.example",
        "benchmarks/__main__.py",
        "docs/architecture.md",
        ".venv/bin/python",
        ".local/azurite/__azurite_db_blob__.json",
        "local/azurite/node_modules/azurite/package.json",
        "shared/__pycache__/settings.cpython-313.pyc",
        "shared/README.md",
        "Makefile",
        "requirements-dev.txt",
    ],
)
def test_what_belongs_to_development_is_left_out(path: str) -> None:
    assert IGNORED.match_file(path)


@pytest.mark.parametrize(
    "path", ["shared/domain/selection.py", "function_app.py", "export_function/plan.py", "host.json"]
)
def test_the_app_itself_is_not_left_out(path: str) -> None:
    assert not IGNORED.match_file(path)
