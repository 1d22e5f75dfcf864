"""Files of reports: under names of ours, out of what the web server shows, readable by our own processes only."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from django.conf import settings

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "application/pdf": ".pdf"}


def new_name(media_type: str) -> str:
    """A name that nothing of the sender's is part of."""
    return f"{uuid4().hex}{SUFFIXES[media_type]}"


def attachment_path(name: str) -> Path:
    """Where an attachment stands."""
    return _folder() / name


def thumbnail_path(name: str) -> Path:
    """Where the thumbnail of an attachment stands, if it has one."""
    return _folder() / f"{Path(name).stem}.thumbnail.jpg"


def keep(path: Path, content: bytes) -> None:
    """Write a file aside, then give it its name."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_suffix(f"{path.suffix}.part")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
    aside.replace(path)


def forget(name: str) -> None:
    """Remove an attachment and its thumbnail; one that is gone already is no failure."""
    for path in (attachment_path(name), thumbnail_path(name)):
        with suppress(FileNotFoundError):
            path.unlink()


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "reports"
