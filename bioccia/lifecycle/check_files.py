"""Guards on the files themselves: lock files in step, no registry's address."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path

from bioccia.lifecycle import paths

# Split, so that this file does not hold what it looks for.
REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "yarnpkg" + ".com", "npmmirror" + ".com")
_ADDRESS = re.compile(r"https?://|file://")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(lock: Path) -> dict[str, str]:
    return {_canonical(name): version for name, version in _PIN.findall(lock.read_text())} if lock.exists() else {}


def find_stale_locks(repository: Path = paths.REPOSITORY) -> str:
    """Say which requirement has no pin, or a pin it refuses.

    Args:
        repository: the folder of pyproject.toml, package.json and their lock files.
    """
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    groups = project.get("dependency-groups", {})
    runtime = project["project"]["dependencies"]
    asked = {
        "requirements.lock": runtime,
        "requirements-dev.lock": [*runtime, *project["project"]["optional-dependencies"]["dev"]],
        "requirements-tools.lock": groups.get("tools", []),
        "requirements-node.lock": groups.get("node", []),
    }
    found = []
    for name, requirements in asked.items():
        found += [f"{name}: {words}" for words in _unmet(requirements, _pins(repository / name))]
    found += _differing(_pins(repository / "requirements.lock"), _pins(repository / "requirements-dev.lock"))
    found += _stale_npm(repository)
    return "\n".join([*found, "Write them again with `make lock`."]) if found else ""


def _unmet(requirements: Iterable[str], pins: dict[str, str]) -> list[str]:
    from packaging.requirements import Requirement

    found = []
    for line in requirements:
        requirement = Requirement(line)
        pin = pins.get(_canonical(requirement.name))
        if pin is None:
            found.append(f"{requirement.name} has no pin")
        elif not requirement.specifier.contains(pin, prereleases=True):
            found.append(f"{requirement.name} is pinned at {pin}, and pyproject.toml asks {requirement.specifier}")
    return found


def _differing(runtime: dict[str, str], tests: dict[str, str]) -> list[str]:
    return [
        f"requirements-dev.lock: {name} is {tests.get(name)}, and {version} in requirements.lock"
        for name, version in runtime.items()
        if tests.get(name) != version
    ]


def _stale_npm(repository: Path) -> list[str]:
    asked = json.loads((repository / "package.json").read_text())
    locked = json.loads((repository / "package-lock.json").read_text())["packages"][""]
    return [
        f"package-lock.json: {key} are not those of package.json"
        for key in ("dependencies", "devDependencies")
        if asked.get(key, {}) != locked.get(key, {})
    ]


def find_registry_hosts(repository: Path = paths.REPOSITORY) -> str:
    """Say which file names a registry, or which lock file holds any address."""
    found = []
    for file in tracked_files(repository):
        text = file.read_text(encoding="utf-8", errors="ignore")
        name = file.relative_to(repository)
        found += [f"{name} names {registry}" for registry in REGISTRIES if registry in text]
        if "lock" in file.name and _ADDRESS.search(text):
            found.append(f"{name} holds an address: write it again with `make lock`")
    return "\n".join(found)


def tracked_files(repository: Path, *patterns: str) -> list[Path]:
    """The files of the repository that are not ignored, new ones included."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    answer = subprocess.run(git, cwd=repository, capture_output=True, text=True, check=True)
    files = [repository / name for name in answer.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]
