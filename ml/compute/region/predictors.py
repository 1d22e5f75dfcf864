"""The `[[predictors]]` sections of region.toml: what each file of `stack/YEAR/` holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.compute.errors import RegionFolderError
from ml.compute.region.keys import text_of, texts_of, value_of

KINDS = ("time_series", "static")


@dataclass(frozen=True)
class Predictor:
    """One file of `stack/YEAR/`; physical value = stored value x scale + offset, in `unit`."""

    file: str
    kind: str
    bands: tuple[str, ...]
    scale: float
    offset: float
    unit: str
    nodata: float | None


def predictors_of(table: Mapping[str, Any], where: Path) -> tuple[Predictor, ...]:
    """The predictors of a region.toml already parsed.

    Raises:
        RegionFolderError: a section or a key is wrong, or a file is named twice.
    """
    entries = table.get("predictors", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RegionFolderError(f"{where}: write each predictor as its own [[predictors]] section.")
    predictors = tuple(_predictor(entry, f"{where} [[predictors]] {n}") for n, entry in enumerate(entries, 1))
    files = [predictor.file for predictor in predictors]
    for file in files:
        if files.count(file) > 1:
            raise RegionFolderError(f"{where}: [[predictors]] names the file '{file}' twice; keep one entry.")
    return predictors


def _predictor(entry: Mapping[str, Any], where: str) -> Predictor:
    kind = text_of(entry, "kind", where)
    if kind not in KINDS:
        raise RegionFolderError(f"{where}: the key 'kind' is '{kind}'; use {' or '.join(KINDS)}.")
    nodata = value_of(entry, "nodata", float, where, default=None)
    scale = float(value_of(entry, "scale", float, where, default=1.0))
    if scale == 0:
        raise RegionFolderError(f"{where}: the key 'scale' is 0; write the factor of the stored values.")
    return Predictor(
        file=text_of(entry, "file", where),
        kind=kind,
        bands=texts_of(entry, "bands", where),
        scale=scale,
        offset=float(value_of(entry, "offset", float, where, default=0.0)),
        unit=text_of(entry, "unit", where, default=""),
        nodata=None if nodata is None else float(nodata),
    )
