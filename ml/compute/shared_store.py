"""A folder that several machines share: a file path, or `s3://bucket/folder` (any address that fsspec opens).

Where the store is and who may write is told by the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and their kind).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

from ml.compute.errors import StoreError
from ml.compute.files import raise_if_disk_is_full, written_aside

CHUNK_BYTES = 1 << 20


class SharedFolder:
    """Whole files, put and taken by name; a reader sees a whole file or none."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        with _told(self.url):
            self._files, self._root = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
        self._is_local = "file" in self._files.protocol

    def put(self, source: Path, name: str) -> None:
        """Put a file under a name, over an earlier one.

        Raises:
            StoreError: the folder cannot be written.
            ComputeError: its disk is full.
        """
        with _told(f"{self.url}/{name}"):
            if self._is_local:
                with written_aside(Path(self._root) / name) as aside, aside.open("wb") as target:
                    target.write(source.read_bytes())
            else:  # an object appears whole, when all of it is there
                self._files.put_file(str(source), f"{self._root}/{name}")

    def take(self, name: str, target: Path) -> None:
        """Copy a file out of the folder.

        Raises:
            StoreError: it is not there, or the folder cannot be read.
        """
        with _told(f"{self.url}/{name}"), written_aside(target) as aside:
            self._files.get_file(f"{self._root}/{name}", str(aside))

    def names(self) -> set[str]:
        """Names of the files; none where the folder does not exist yet.

        Raises:
            StoreError: the folder cannot be read.
        """
        with _told(self.url):
            if not self._files.exists(self._root):
                return set()
            listed = self._files.ls(self._root, detail=False, refresh=True)
        return {str(name).rsplit("/", 1)[-1] for name in listed}

    def write_facts(self, facts: Mapping[str, Any], name: str, aside: Path) -> None:
        """Put a small JSON file."""
        aside.write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")
        self.put(aside, name)

    def read_facts(self, name: str) -> dict[str, Any]:
        """Read a small JSON file.

        Raises:
            StoreError: it is not there or not JSON.
        """
        with _told(f"{self.url}/{name}"):
            content = self._files.cat_file(f"{self._root}/{name}")
        try:
            return dict(json.loads(content))
        except ValueError as error:
            raise StoreError(f"{self.url}/{name}: not as it was written; delete it and run again.") from error

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        with _told(self.url):
            if self._files.exists(self._root):
                self._files.rm(self._root, recursive=True)


def hash_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(CHUNK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what could not be read or written, and why, in one sentence."""
    try:
        yield
    except (OSError, ValueError, ImportError, BotoCoreError, ClientError) as error:
        if "://" not in what:
            parent = Path(what)
            while not parent.exists():
                parent = parent.parent
            raise_if_disk_is_full(error, parent / "_")
        raise StoreError(f"{what}: the shared storage does not answer as it should ({error}); check it.") from error
