"""Files of relevés on their way in: under names of ours, out of what the web server shows."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from django.conf import settings


def keep_releve_file(chunks: Iterable[bytes]) -> str:
    """Write a file, and answer with its name in the store: nothing of the sender's is part of it."""
    name = uuid4().hex
    path = releve_file_path(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        for chunk in chunks:
            stream.write(chunk)
    return name


def releve_file_path(name: str) -> Path:
    """Where a file of relevés stands."""
    return Path(settings.MEDIA_ROOT) / "releves" / name


def forget_releve_file(name: str) -> None:
    """Remove a file of relevés; one that is gone already is no failure."""
    with suppress(FileNotFoundError):
        releve_file_path(name).unlink()
