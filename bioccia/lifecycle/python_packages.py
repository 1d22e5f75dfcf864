"""The virtual environment `.venv`, filled from the lock files with their hashes checked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bioccia.lifecycle import environment, paths, programs, stamps
from bioccia.lifecycle.errors import LifecycleError

TOOLS_LOCK = paths.REPOSITORY / "requirements-tools.lock"
NODE_LOCK = paths.REPOSITORY / "requirements-node.lock"
RUNTIME_LOCK = paths.REPOSITORY / "requirements.lock"
TESTS_LOCK = paths.REPOSITORY / "requirements-dev.lock"
PYTHON_VERSION = (3, 11)


def make_venv() -> bool:
    """Make `.venv` with Python 3.11, anew when it is broken.

    Returns:
        Whether it was made now.

    Raises:
        LifecycleError: there is no Python 3.11 here.
    """
    if _version_of(environment.project_python()) == PYTHON_VERSION:
        return False
    programs.run("Virtual environment", [_python_311(), "-m", "venv", "--clear", environment.VENV])
    return True


def _python_311() -> str:
    for candidate in (sys.executable, shutil.which("python3.11"), "/usr/bin/python3.11"):
        if candidate and _version_of(Path(candidate)) == PYTHON_VERSION:
            return candidate
    raise LifecycleError(f"Python 3.11 is needed and {sys.executable} is {sys.version.split()[0]}: install python3.11.")


def _version_of(python: Path) -> tuple[int, ...] | None:
    code = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return tuple(int(part) for part in answer.stdout.split()) if answer.returncode == 0 else None


def install(lock: Path) -> bool:
    """Install what a lock file lists.

    Returns:
        Whether something was to install.

    Raises:
        LifecycleError: an archive is missing, or has another hash than the lock's.
    """
    stamp = environment.VENV / f".{lock.name}.installed"
    value = stamps.digest_files([TOOLS_LOCK, lock])
    if stamps.is_current(stamp, value):
        return False
    name = f"Python packages of {lock.name}"
    if lock == TOOLS_LOCK:
        _install_with_pip(name, lock)
    else:
        _install_with_uv(name, lock)
    stamps.write(stamp, value)
    return True


def _install_with_pip(name: str, lock: Path) -> None:
    pip: list[str | Path] = [
        environment.project_python(),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
    ]
    programs.run(name, [*pip, "--require-hashes", "--no-deps", "-r", lock])


def _install_with_uv(name: str, lock: Path) -> None:
    settings = dict(os.environ)
    if mirror := os.environ.get("PIP_INDEX_URL"):
        settings.setdefault("UV_DEFAULT_INDEX", mirror)
    uv: list[str | Path] = [environment.VENV / "bin" / "uv", "pip", "install", "--python", environment.project_python()]
    try:
        programs.run(name, [*uv, "--compile-bytecode", "--require-hashes", "-r", lock], environment=settings)
    except LifecycleError:
        # uv does not read pip's configuration files: a mirror or a folder of wheels may be known to pip only.
        if not _pip_is_configured():
            raise
        _install_with_pip(name, lock)


def _pip_is_configured() -> bool:
    pip = [str(environment.project_python()), "-m", "pip", "config", "list"]
    said = subprocess.run(pip, capture_output=True, text=True, check=False).stdout
    return any(word in said for word in ("index-url", "find-links"))
