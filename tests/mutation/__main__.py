"""
`python -m tests.mutation`: exit 0 = every mutant fails a test or is explained; 1 = it shows those that do not.

mutmut changes one place at a time in a copy of the project (`[tool.mutmut]` in pyproject.toml says where) and runs the
unit tests that reach it. A mutant that no test notices must stand in `equivalent.txt`, with the reason why it cannot be
noticed; a line there that no mutant needs any more is a failure too.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.pieces import ROOT

COPY = ROOT / ".local" / "mutation"
MUTMUT = ROOT / ".local" / "tools" / "mutation" / "bin" / "mutmut"
EXPLAINED = Path(__file__).with_name("equivalent.txt")
LEFT_OUT = (".venv", ".git", ".local", "node_modules", "__pycache__", ".*_cache", ".hypothesis")
RESULT = re.compile(r"^\s*(\S+__mutmut_\d+): (.+)$", re.MULTILINE)
NOTICED = {"killed", "timeout", "caught by type check"}


@dataclass(frozen=True, order=True)
class Mutant:
    """A change, told by its function and its lines, which stay the same when mutants are numbered anew."""

    function: str
    before: str
    after: str

    def __str__(self) -> str:
        """Write the mutant as `equivalent.txt` has it."""
        return f"{self.function}\n-{self.before}\n+{self.after}"


def main() -> int:
    """Run all mutants, tell how many there are and which nobody noticed, and give the exit code."""
    say("Running the tests on the copy, then on every mutant ...")
    make_copy()
    mutmut("run", "--max-children", str(os.cpu_count() or 1))
    results = dict(RESULT.findall(mutmut("results", "--all", "true")))
    unnoticed = sorted(shown(name) for name, result in results.items() if result not in NOTICED)
    explained = read_explained(EXPLAINED.read_text())
    return report(len(results), unnoticed, explained)


def make_copy() -> None:
    """Copy the project, so that a run that is broken off leaves no mutant in it."""
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns(*LEFT_OUT))


def mutmut(*arguments: str) -> str:
    """Run a command of mutmut in the copy and give what it wrote; where it fails, show that and raise."""
    environ = {**os.environ, "CI": "true"}  # Hypothesis tries the same examples each time then
    ran = subprocess.run(
        [str(MUTMUT), *arguments], cwd=COPY, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if ran.returncode:
        say(ran.stdout[-4000:])
        ran.check_returncode()
    return ran.stdout


def shown(name: str) -> Mutant:
    """Ask for a mutant's change."""
    diff = mutmut("show", name).splitlines()
    before, after = (
        " ".join(line[1:].strip() for line in diff if re.match(rf"\{sign}(?!\{sign}\{sign})", line)) for sign in "-+"
    )
    return Mutant(re.sub(r"__mutmut_\d+$", "", name), before, after)


def read_explained(text: str) -> dict[Mutant, str]:
    """Read paragraphs of comment lines (the reason), function, line before and line after."""
    explained = {}
    for paragraph in re.split(r"\n{2,}", text.strip()):
        lines = paragraph.splitlines()
        reason = " ".join(line.removeprefix("#").strip() for line in lines if line.startswith("#"))
        rest = [line for line in lines if not line.startswith("#")]
        if rest:
            function, before, after = rest
            explained[Mutant(function, before.removeprefix("-"), after.removeprefix("+"))] = reason
    return explained


def report(total: int, unnoticed: list[Mutant], explained: dict[Mutant, str]) -> int:
    """Tell what came out; no run without a mutant is a success."""
    new = [mutant for mutant in unnoticed if not explained.get(mutant)]
    stale = sorted(explained.keys() - set(unnoticed))
    for title, mutants in (("No test notices:", new), ("Explained, and not there any more:", stale)):
        if mutants:
            say("\n\n".join([title, *map(str, mutants)]) + "\n")
    noticed = total - len(unnoticed)
    say(f"{total} mutants: {noticed} noticed by a test, {len(unnoticed) - len(new)} explained, {len(new)} neither.")
    return 0 if total and not new and not stale else 1


def say(text: str) -> None:
    """Write to the terminal."""
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
