"""Run a program of an installation step: its words go to a log, its failure becomes one sentence."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bioccia.lifecycle import paths
from bioccia.lifecycle.errors import LifecycleError

_NO_NETWORK = re.compile(
    r"Temporary failure (in name resolution|resolving)|Name or service not known|Network is unreachable|"
    r"Connection refused|dns error|\bEAI_AGAIN\b|\bENOTFOUND\b|\bECONNREFUSED\b|Could not resolve|"
    r"error sending request|Connection timed out|\bETIMEDOUT\b"
)
_NO_SPACE = re.compile(r"No space left on device|ENOSPC", re.IGNORECASE)
# What each installer says of the archive it could not get.
_ARCHIVE = re.compile(
    r"Failed to fetch:? `?\S*?([^/\s`]+)/?`?$|Failed to download `?([^`\s]+)|request to \S*/(\S+) failed|"
    r"matching distribution found for ([^\s(]+)|Unable to locate package (\S+)",
    re.MULTILINE,
)


def log_of(name: str) -> Path:
    """Where the words of an installation step go."""
    return paths.var_dir() / "log" / f"{re.sub(r'[^a-z0-9.-]+', '-', name.lower())}.log"


def run(
    name: str,
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = paths.REPOSITORY,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    Args:
        name: the step, for the log's name and the sentence.
        arguments: the program and its arguments.
        environment: its whole environment; that of this process by default.
        folder: where it runs; the repository by default.

    Raises:
        LifecycleError: it fails or is missing; the sentence says no network, full disk, or its own last words.
    """
    log = log_of(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        answer = subprocess.run(
            [str(argument) for argument in arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise LifecycleError(f"{name}: the program {arguments[0]} is missing.") from error
    log.write_text(answer.stdout)
    if answer.returncode:
        raise LifecycleError(f"{explain(name, answer.stdout)} Everything it said is in {log}.")
    return answer


def explain(name: str, said: str) -> str:
    """Turn what a failed installer said into a sentence that names the way out."""
    if _NO_SPACE.search(said):
        return f"{name}: the disk is full; free some space (the platform needs about 3 GB) and try again."
    if _NO_NETWORK.search(said):
        missing = _ARCHIVE.search(said)
        archive = next((part for part in missing.groups() if part), None) if missing else None
        named = f" and {archive} is not on this machine" if archive else ""
        return f"{name}: there is no network{named}; connect once, or fill the installer's cache, and try again."
    words = [line.strip() for line in said.splitlines() if line.strip()]
    return f"{name} fails: {' '.join(words[-2:]) or 'it said nothing'}."
