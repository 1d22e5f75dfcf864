"""Folders of published releases: written aside, put in place by one rename, never changed after."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError
from feedback.models import Release
from ml.compute.publishing.manifest import MANIFEST, ReleaseFileError, hash_of_file, read_manifest
from ml.errors import MissingFileError

MEDIA_TYPES = {
    ".gpkg": "application/geopackage+sqlite3",
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".pmtiles": "application/vnd.pmtiles",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".sha256": "text/plain; charset=utf-8",
}

READ_ONLY = 0o444


def folder_of(release: Release) -> Path:
    """Where the files of a release stand."""
    return Path(settings.FILES_DIR) / "releases" / str(release)


def path_of(release: Release, name: str) -> Path:
    """Where one file of a release stands.

    Raises:
        MissingFileError: somebody removed it.
    """
    path = folder_of(release) / name
    if not path.is_file():
        raise MissingFileError(
            _("%(file)s of release %(release)s is missing; restore it from the backup.")
            % {"file": name, "release": release}
        )
    return path


def put_in_place(draft: Path, release: Release) -> Path:
    """Give a finished folder its final name, once its bytes are on the disk.

    The row of the release says whether anybody may read the folder: until it is published nobody does, so that
    what a release abandoned at its last step left under the same number may be removed.

    Args:
        draft: the finished folder, manifest included, on the same disk.
        release: signed, not published.
    """
    target = folder_of(release)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in draft.iterdir():
        path.chmod(READ_ONLY)
    for path in (*draft.iterdir(), draft):
        _sync(path)  # the row that follows outlives a power cut: so must what it speaks of
    draft.replace(target)
    _sync(target.parent)
    return target


def _sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_hashes(folder: Path, hashes: Mapping[str, str]) -> None:
    """See that the files of a folder are what the steps that wrote them said.

    Raises:
        ReleaseFileError: naming the file that is missing or another one.
    """
    for name, expected in hashes.items():
        path = folder / name
        if not path.is_file() or hash_of_file(path) != expected:
            raise ReleaseFileError(
                _("%(file)s is not the file that was written: abandon this release and prepare it again.")
                % {"file": name}
            )


def export_folder(release: Release, target: Path) -> dict[str, str]:
    """Copy a published release into a folder, each file checked against the rows.

    Returns:
        SHA-256 by file.

    Raises:
        InvalidFieldsError: the folder holds something already.
        MissingFileError: a file is missing.
        ReleaseFileError: a file is not the one that was published.
    """
    if target.exists() and any(target.iterdir()):
        sentence = _("%(folder)s is not empty: name a new folder.") % {"folder": target}
        raise InvalidFieldsError(sentence, fields={"folder": sentence})
    files = list(release.files.all())
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(path_of(release, file.name), target / file.name)
    check_hashes(target, {file.name: file.sha256 for file in files})
    return {**read_manifest(target), MANIFEST: hash_of_file(target / MANIFEST)}
