"""Reference samples: read whole, cut into cells, and kept apart by spatial blocks."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from ml.compute.errors import SampleError
from ml.compute.vectors import PLACES, layer_names, read_layer

SPLITS = ("train", "test", "")
TEXT_COLUMNS = ("observers", "origin")


def read_sample_file(path: Path, *, field: str) -> gpd.GeoDataFrame:
    """Read and check a file of samples.

    Args:
        path: polygons or points; the layer 'samples', or the only one.
        field: the column that holds the class code.

    Returns:
        Columns code, date, observers, origin, split (text, empty where absent), any other column of the
        file as it is, and geometry, in the file's CRS, in the file's order.

    Raises:
        SampleError: the file or a row is wrong; the row is named, counted from 1.
    """
    layer = "samples" if path.is_file() and "samples" in _names(path) else None
    frame = read_layer(path, layer=layer, error=SampleError, kinds=PLACES)
    if field not in frame:
        present = ", ".join(str(column) for column in frame.columns if column != "geometry")
        raise SampleError(f"{path}: no column '{field}' (it has: {present}); add it or name another.")
    if frame.empty:
        raise SampleError(f"{path}: the file has no sample; add some.")
    frame["code"] = [_code(value, f"{path}: row {row}") for row, value in enumerate(frame[field], 1)]
    frame["split"] = _texts(frame, "split", path)
    frame["date"] = [
        _date(value, f"{path}: row {row}")
        for row, value in enumerate(frame.get("date", pd.Series([None] * len(frame))), 1)
    ]
    for column in TEXT_COLUMNS:
        frame[column] = _texts(frame, column, path)
    return frame


def _names(path: Path) -> list[str]:
    try:
        return layer_names(path)
    except ValueError:
        return []


def _code(value: Any, where: str) -> str:
    if value is None or pd.isna(value) or not str(value).strip():
        raise SampleError(f"{where} has no code; write its class or delete the row.")
    # GeoPackages written from tables with gaps hold 2100 as 2100.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _date(value: Any, where: str) -> str:
    if value is None or pd.isna(value) or not str(value).strip():
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(str(value).strip()[:10]).isoformat()
    except ValueError as error:
        raise SampleError(f"{where} has the date '{value}'; write it as 2024-06-30.") from error


def _texts(frame: gpd.GeoDataFrame, column: str, path: Path) -> list[str]:
    if column not in frame:
        return [""] * len(frame)
    texts = ["" if pd.isna(value) else str(value).strip() for value in frame[column]]
    if column == "split":
        for row, text in enumerate(texts, 1):
            if text not in SPLITS:
                raise SampleError(f"{path}: row {row} has the split '{text}'; use train, test or nothing.")
    return texts
