"""Image chips kept on disk for a while: a page asks for a strip of them, then for each picture."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import shapely
from django.conf import settings
from shapely.geometry.base import BaseGeometry

from ml.compute.chips import Chip, render_chips

SIZE_PX = 256
# A place of eleven dates in two compositions takes about 2 MB.
KEPT_PLACES = 100
INDEX = "chips.json"


@dataclass(frozen=True)
class Place:
    """What is asked to be seen, in the region's CRS."""

    x: float
    y: float
    half_side_m: float
    outline: BaseGeometry | None = None


@dataclass(frozen=True)
class StoredChip:
    """A picture on disk, with what its caption says."""

    date: date | None
    name: str
    bands: tuple[str, ...]
    hidden_share: float
    file: Path


def stored_chips(paths: Sequence[Path], place: Place) -> list[StoredChip]:
    """The pictures of a place, drawn unless they were lately.

    Args:
        paths: the rasters of a year.
        place: where.

    Raises:
        StackError: the stack is wrong, or the place lies outside it.
    """
    folder = _folder() / _key_of(paths, place)
    if not (folder / INDEX).exists():
        drawn = render_chips(
            paths, x=place.x, y=place.y, half_side_m=place.half_side_m, size_px=SIZE_PX, outline=place.outline
        )
        _keep(folder, drawn)
        _forget_oldest(folder.parent)
    return _read(folder)


def _folder() -> Path:
    return Path(settings.FILES_DIR) / "chips"


def _key_of(paths: Sequence[Path], place: Place) -> str:
    """Another file, place or outline is another key; a file changed in place too."""
    files = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
    outline = shapely.to_wkb(place.outline, hex=True) if place.outline is not None else ""
    asked = [files, round(place.x, 1), round(place.y, 1), round(place.half_side_m, 1), SIZE_PX, outline]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _keep(folder: Path, chips: Sequence[Chip]) -> None:
    """Written aside and renamed: two requests for one place end with one folder, never half of one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    rows = []
    for number, chip in enumerate(chips):
        (aside / f"{number}.png").write_bytes(chip.png)
        facts = {name: value for name, value in asdict(chip).items() if name != "png"}
        rows.append({**facts, "date": chip.date and chip.date.isoformat(), "file": f"{number}.png"})
    (aside / INDEX).write_text(json.dumps(rows))
    try:
        aside.rename(folder)
    except OSError:  # another request was first: its pictures are the same
        shutil.rmtree(aside, ignore_errors=True)


def _forget_oldest(folder: Path) -> None:
    """Keep the places asked last."""
    places = [(path.stat().st_mtime, path) for path in folder.iterdir() if not path.name.startswith(".")]
    for _time, path in sorted(places, reverse=True)[KEPT_PLACES:]:
        shutil.rmtree(path, ignore_errors=True)


def _read(folder: Path) -> list[StoredChip]:
    os.utime(folder)
    rows = json.loads((folder / INDEX).read_text())
    return [
        StoredChip(
            date=date.fromisoformat(row["date"]) if row["date"] else None,
            name=row["name"],
            bands=tuple(row["bands"]),
            hidden_share=row["hidden_share"],
            file=folder / row["file"],
        )
        for row in rows
    ]
