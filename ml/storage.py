"""The store of files: named by their content, written aside, renamed, swept."""

import datetime
import hashlib
import shutil
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from ml.errors import MissingFileError
from ml.models import Artefact, Run

CHUNK_BYTES = 1 << 20


def store_file(path: Path, *, at: datetime.datetime) -> Artefact:
    """Move a finished file into the store and write its row; the same content twice is one file and one row.

    Args:
        path: a finished file on the store's own disk.
        at: the moment.
    """
    sha256 = hash_file(path)
    suffix = "".join(path.suffixes)[-20:]
    target = _path(sha256, suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    size = path.stat().st_size
    path.replace(target)
    artefact, _created = Artefact.objects.get_or_create(
        sha256=sha256, defaults={"suffix": suffix, "size_bytes": size, "created_at": at}
    )
    return artefact


def path_of(artefact: Artefact) -> Path:
    """Where the file of an artefact stands.

    Raises:
        MissingFileError: somebody removed it.
    """
    path = _path(artefact.sha256, artefact.suffix)
    if not path.exists():
        raise MissingFileError(
            _("The file %(file)s of the store is missing; restore it from the backup.") % {"file": path.name}
        )
    return path


def has_file(artefact: Artefact) -> bool:
    """Whether this machine's store holds the file of an artefact."""
    return _path(artefact.sha256, artefact.suffix).exists()


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def work_dir(run: Run) -> Path:
    """The folder where a run keeps what it has not finished; it outlives a killed worker."""
    folder = settings.FILES_DIR / "runs" / str(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove_work_dir(run: Run) -> None:
    """Remove what an ended run kept for resuming."""
    shutil.rmtree(settings.FILES_DIR / "runs" / str(run.pk), ignore_errors=True)


def _path(sha256: str, suffix: str) -> Path:
    return settings.FILES_DIR / "artefacts" / sha256[:2] / f"{sha256}{suffix}"
