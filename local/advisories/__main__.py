"""`python -m local.advisories`: exit 0 = all looked up, nothing known; 1 = it says what is; 2 = not all looked up."""

import json
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from local.pieces import ROOT

PIP_AUDIT = ROOT / ".local" / "tools" / "advisories" / "bin" / "pip-audit"


def main() -> int:
    """Ask about the packages of the environment that runs this; print what is known, and give the exit code."""
    answer = ask(Path(sysconfig.get_path("purelib")))
    if answer is None:
        print("No advisory database can be reached from here: nothing was audited.", file=sys.stderr)
        return 2
    packages: list[dict[str, Any]] = answer["dependencies"]
    known = [line for package in packages for line in advisories_of(package)]
    unknown = sorted(package["name"] for package in packages if "skip_reason" in package)
    print("\n".join(known) or "No vulnerability is known in those that were found.")
    print(f"{len(packages) - len(unknown)} of {len(packages)} packages were found in the advisory database.")
    if unknown:
        print(f"Nothing is known, neither good nor bad, of: {', '.join(unknown)}", file=sys.stderr)
    return 1 if known else 2 if unknown or not packages else 0


def ask(place: Path) -> dict[str, Any] | None:
    """
    Let pip-audit look up everything that is installed at `place`; None where it got no answer.

    Its own exit code does not tell a vulnerability from a missing answer, and packages that the database does not
    show at all count as good there; so its JSON is read.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.json"
        options = ["--path", str(place), "--format", "json", "--output", str(file), "--progress-spinner", "off"]
        ran = subprocess.run([str(PIP_AUDIT), *options], capture_output=True, text=True, check=False)
        if not file.exists() or not file.stat().st_size:
            print(
                ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else "pip-audit said nothing", file=sys.stderr
            )
            return None
        answer: dict[str, Any] = json.loads(file.read_bytes())
        return answer


def advisories_of(package: dict[str, Any]) -> list[str]:
    """Give a line for each advisory of a package: what it is, and which versions mend it."""
    return [
        f"{package['name']} {package['version']}: {found['id']} ({', '.join(found.get('aliases', ())) or 'no alias'}), "
        f"mended in {', '.join(found.get('fix_versions', ())) or 'no version yet'}"
        for found in package.get("vulns", ())
    ]


if __name__ == "__main__":
    sys.exit(main())
