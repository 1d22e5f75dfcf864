"""What a finished step was made from: the same digest means there is nothing to do."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from bioccia.lifecycle import paths

CODE = {".py", ".html", ".txt", ".po", ".js", ".css"}


def digest_files(files: Iterable[Path]) -> str:
    """A digest of the names and contents of files; one that is absent counts as empty."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file).encode() + b"\0")
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def digest_of_code() -> str:
    """A digest of names, sizes and dates of everything a running server has read from the repository."""
    digest = hashlib.sha256()
    packages = [folder for folder in paths.REPOSITORY.iterdir() if (folder / "__init__.py").exists()]
    folders = [*packages, *(paths.REPOSITORY / name for name in ("templates", "locale", "frontend"))]
    files = [file for folder in folders for file in tree(folder) if file.suffix in CODE]
    files += [paths.REPOSITORY / name for name in (".env", "requirements.lock", "package-lock.json")]
    for file in sorted(files):
        facts = file.stat() if file.exists() else None
        digest.update(f"{file} {facts and (facts.st_size, facts.st_mtime_ns)}\n".encode())
    return digest.hexdigest()


def tree(folder: Path) -> list[Path]:
    """Every file below a folder, hidden ones left out."""
    found = folder.rglob("*") if folder.is_dir() else []
    return [file for file in found if file.is_file() and not file.name.startswith(".")]


def is_current(stamp: Path, value: str) -> bool:
    """Whether a stamp holds this digest."""
    return stamp.is_file() and stamp.read_text() == value


def write(stamp: Path, value: str) -> None:
    """Note that a step is done."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)


def in_var(name: str) -> Path:
    """The stamp of a step whose result goes with `var/`."""
    return paths.stamps_dir() / name
