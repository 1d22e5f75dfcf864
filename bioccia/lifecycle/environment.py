"""The environment of every process we start: `.env`, the virtual environment, the region."""

import os
import sys
from pathlib import Path

from bioccia.lifecycle import paths

DOTENV = paths.REPOSITORY / ".env"
VENV = paths.REPOSITORY / ".venv"


def load_dotenv(file: Path = DOTENV) -> None:
    """Read `KEY=value` lines into the environment; what is already set there wins."""
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        key, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not key.startswith("#"):
            os.environ.setdefault(key.strip(), value.strip().strip("'\""))


def project_python() -> Path:
    """The interpreter that has the project's packages."""
    return VENV / "bin" / "python"


def use_project_python(needed: str) -> None:
    """Start this command again with the project's interpreter, when this one lacks a package.

    Args:
        needed: the name of a package that only the project's interpreter has.
    """
    try:
        __import__(needed)
    except ModuleNotFoundError:
        python = project_python()
        if not python.exists() or Path(sys.prefix) == VENV:
            sys.exit(f"{needed} is not installed: run `make setup`, then try again.")
        os.execv(python, [str(python), *sys.argv])  # noqa: S606 - the same command, by another interpreter


def region_of_folder(folder: Path) -> str | None:
    """The region a folder describes; None when it holds no region.toml."""
    return paths.region_slug(folder.resolve().name) if (folder / "region.toml").is_file() else None


def process_environment(region: str) -> dict[str, str]:
    """What a process of the project inherits: this environment, the region and the place of `var/`."""
    return {
        **os.environ,
        "BIOCCIA_REGION": region,
        "BIOCCIA_VAR": str(paths.var_dir()),
        "DJANGO_SETTINGS_MODULE": "bioccia.settings",
        "PYTHONUNBUFFERED": "1",
    }
