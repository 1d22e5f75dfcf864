"""The parts that come from the system: installed on Debian 12, named one by one elsewhere."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bioccia.lifecycle import postgres, programs, redis, services
from bioccia.lifecycle.errors import LifecycleError

SCRIPT = Path(__file__).with_name("install_packages.sh")
LEAST_FREE_GIGABYTES = 3.0


@dataclass(frozen=True)
class SystemPart:
    """A program or library of the system.

    Attributes:
        name: what a person would install elsewhere.
        is_here: whether it is installed.
        packages: the Debian 12 packages that bring it.
    """

    name: str
    is_here: Callable[[], bool]
    packages: tuple[str, ...]


def _has_venv() -> bool:
    return importlib.util.find_spec("ensurepip") is not None


def _has_font() -> bool:
    return any(Path("/usr/share/fonts").rglob("*.ttf"))


FOR_PYTHON = (SystemPart("the venv module of Python 3.11", _has_venv, ("python3-venv",)),)
FOR_TESTS = (
    SystemPart("Chromium", lambda: shutil.which("chromium") is not None, ("chromium",)),
    SystemPart("a TrueType font", _has_font, ("fonts-dejavu-core", "fonts-liberation")),
    SystemPart("GNU gettext", lambda: shutil.which("xgettext") is not None, ("gettext",)),
)


def for_services() -> tuple[SystemPart, ...]:
    """The database and the broker, where they are ours to run."""
    parts = []
    if services.needs_postgres():
        packages = ("postgresql-15", "postgresql-15-postgis-3")
        parts.append(
            SystemPart("PostgreSQL 14 or newer with PostGIS 3", lambda: postgres.bin_dir() is not None, packages)
        )
    if services.needs_redis():
        parts.append(SystemPart("Redis 6 or newer", lambda: redis.program() is not None, ("redis-server",)))
    return tuple(parts)


def ensure(parts: Sequence[SystemPart]) -> bool:
    """Install the parts that are missing.

    Returns:
        Whether something was installed.

    Raises:
        LifecycleError: this is not Debian 12, or we are not root; the sentence names each missing part.
    """
    missing = [part for part in parts if not part.is_here()]
    if not missing:
        return False
    packages = [package for part in missing for package in part.packages]
    programs.run("Debian packages", [*_as_root(missing), "sh", SCRIPT, *packages])
    still = [part.name for part in missing if not part.is_here()]
    if still:
        raise LifecycleError(f"After installing {' '.join(packages)}, still missing: {', '.join(still)}.")
    return True


def _as_root(missing: Sequence[SystemPart]) -> list[str]:
    names = ", ".join(part.name for part in missing)
    packages = " ".join(package for part in missing for package in part.packages)
    if not is_debian_12():
        raise LifecycleError(f"Missing on this system: {names}. Install them by its own means (Debian: {packages}).")
    if os.geteuid() == 0:
        return []
    if can_use_sudo():
        return ["sudo", "-n"]
    raise LifecycleError(f"Missing: {names}. Run as root: apt-get install --no-install-recommends {packages}")


def is_debian_12() -> bool:
    """Whether the package names above are those of this system."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return False
    facts = dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line)
    return facts.get("ID") == "debian" and facts.get("VERSION_ID") == "12"


def can_use_sudo() -> bool:
    """Whether sudo lets us in; it may ask for the password once, here, where the terminal is still ours."""
    if shutil.which("sudo") is None:
        return False
    command = ["sudo", "-v"] if sys.stdin.isatty() else ["sudo", "-n", "true"]
    return subprocess.run(command, check=False, capture_output=not sys.stdin.isatty()).returncode == 0


def check_disk(folder: Path) -> None:
    """Refuse to begin on a nearly full disk.

    Raises:
        LifecycleError: less than 3 GB are free.
    """
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(place).free / 1e9
    if free < LEAST_FREE_GIGABYTES:
        raise LifecycleError(
            f"The disk of {folder} has {free:.1f} GB free and the platform needs about {LEAST_FREE_GIGABYTES:.0f} GB: "
            "free some space, or set BIOCCIA_VAR to a folder on another disk."
        )
