"""`python -m local.verify_package DIR`: exit 0 = the package is what its manifest says, 1 = it is not, 2 = usage."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from local.verify_package.places import NoPackage, download_at
from local.verify_package.report import Report
from local.verify_package.verification import verify

USAGE = """usage: make verify-package DIR=path

DIR is a downloaded package: a folder with its files, a folder with its zips, or one zip file."""


def main(arguments: Sequence[str]) -> int:
    """Verify one package and give the exit code."""
    if len(arguments) != 1 or not arguments[0]:
        print(USAGE, file=sys.stderr)
        return 2
    report = Report()
    try:
        verify(download_at(Path(arguments[0])), report)
    except NoPackage as error:
        print(f"{error}\n\n{USAGE}", file=sys.stderr)
        return 2
    if report.findings:
        print(f"NOT the package that its manifest describes; findings: {report.findings:,}.")
        return 1
    if report.unchecked:
        print("Everything that was checked is what the manifest says; what was not checked is noted above.")
    else:
        print("The package is what its manifest says: every file is there, unchanged, and nothing else is.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
