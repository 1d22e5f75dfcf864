"""MANIFEST.sha256: one line per file, as `sha256sum -c` reads it, and the hash of what a release says."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.compute.errors import ComputeError
from ml.compute.files import written_aside

MANIFEST = "MANIFEST.sha256"
# It holds measured durations and energy: two publications of one map differ there and nowhere else.
MEASURED = frozenset({"model_card.html"})
CHUNK_BYTES = 1 << 20
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]*)")


class ReleaseFileError(ComputeError):
    """A file of a release is missing, too many, altered, or contradicts another one."""

    code = "release_file_error"


def hash_of_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_manifest(folder: Path, hashes: Mapping[str, str]) -> Path:
    """Write the manifest of a folder.

    Args:
        folder: the folder of the release.
        hashes: SHA-256 of each file by its name.
    """
    path = folder / MANIFEST
    with written_aside(path) as aside:
        aside.write_text("".join(_lines(hashes)), encoding="ascii", newline="\n")
    return path


def read_manifest(folder: Path) -> dict[str, str]:
    """SHA-256 by file, as the manifest says.

    Raises:
        ReleaseFileError: no manifest, or a line that is none.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ReleaseFileError(f"{path}: the manifest is missing; download the release again.")
    hashes: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        found = _LINE.fullmatch(line)
        if found is None or found[2] in hashes:
            raise ReleaseFileError(f"{path}: line {number} is no line of a manifest; download the release again.")
        hashes[found[2]] = found[1]
    return hashes


def content_hash(hashes: Mapping[str, str]) -> str:
    """The hash of what a release says: of its manifest without the files that hold measures."""
    kept = {name: value for name, value in hashes.items() if name not in MEASURED}
    return hashlib.sha256("".join(_lines(kept)).encode("ascii")).hexdigest()


def canonical_json(content: Any) -> str:
    """JSON with one way to write it: sorted keys, UTF-8, a final line end. The same content has the same hash."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n"


def _lines(hashes: Mapping[str, str]) -> list[str]:
    # Two spaces: text mode, which every sha256sum reads alike.
    return [f"{value}  {name}\n" for name, value in sorted(hashes.items())]
