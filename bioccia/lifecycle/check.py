"""`make check`: every guard in turn, each told with its seconds; what fails is shown whole."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bioccia.lifecycle import check_files, check_translations, environment, paths
from bioccia.lifecycle.errors import LifecycleError
from bioccia.lifecycle.steps import say

APPS = ("bioccia", "territories", "ml", "species", "habitats", "feedback")
BIN = environment.VENV / "bin"


@dataclass(frozen=True)
class Guard:
    """One thing that must hold.

    Attributes:
        name: what a person reads.
        finds: returns what is wrong, empty when nothing is.
    """

    name: str
    finds: Callable[[], str]


def tool(*arguments: str | Path) -> Callable[[], str]:
    """A guard that is a program: its words when it fails."""

    def finds() -> str:
        answer = subprocess.run(
            [str(argument) for argument in arguments],
            cwd=paths.REPOSITORY,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        return (answer.stdout + answer.stderr).strip() or "failed" if answer.returncode else ""

    return finds


def guards() -> list[Guard]:
    """Every guard, the quick ones first."""
    python = environment.project_python()
    return [
        Guard("ruff: rules", tool(BIN / "ruff", "check", "--output-format", "concise", ".")),
        Guard("ruff: format", tool(BIN / "ruff", "format", "--check", ".")),
        Guard("lock files say what pyproject.toml and package.json ask", check_files.find_stale_locks),
        Guard("no registry's address in the files", check_files.find_registry_hosts),
        Guard("import contracts", tool(BIN / "lint-imports")),
        Guard("templates: rules", tool(BIN / "djlint", "templates", "--lint", "--quiet")),
        Guard("translations are complete", check_translations.find_gaps),
        Guard("no migration is missing", tool(python, "manage.py", "makemigrations", "--check", "--dry-run")),
        Guard("types", tool(BIN / "mypy", *[app for app in APPS if (paths.REPOSITORY / app).is_dir()])),
    ]


def check(chosen: Sequence[Guard]) -> list[str]:
    """Ask every guard, and tell.

    Returns:
        The names of those that found something.
    """
    failed = []
    for guard in chosen:
        started = time.monotonic()
        try:
            found = guard.finds()
        except LifecycleError as error:
            found = str(error)
        say(f"{'FAILED' if found else 'ok':>6}  {guard.name} ({time.monotonic() - started:.1f} s)")
        if found:
            failed.append(guard.name)
            say("\n".join(f"        {line}" for line in found.splitlines()))
    return failed


def main() -> int:
    """Check everything; 1 when something is wrong."""
    environment.load_dotenv()
    failed = check(guards())
    say(f"\n{len(failed)} failed: {'; '.join(failed)}" if failed else "\nAll is well.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
