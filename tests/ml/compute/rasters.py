"""Tiny class maps for the tests."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

REPOSITORY = Path(__file__).resolve().parents[3]
LAMBERT_93 = "EPSG:2154"
TEN_METRES = Affine(10, 0, 700_000, 0, -10, 6_300_000)


def write_raster(path, bands, *, dtype, nodata=None, crs=LAMBERT_93, transform=TEN_METRES, tags=None, compress=None):
    """Write (rows, columns) or (bands, rows, columns) values."""
    bands = np.atleast_3d(bands) if np.ndim(bands) == 1 else np.asarray(bands)
    bands = bands[None] if bands.ndim == 2 else bands
    count, height, width = bands.shape
    profile = {
        "driver": "GTiff",
        "count": count,
        "height": height,
        "width": width,
        "dtype": dtype,
        "compress": compress,
    }
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as target:
        target.write(bands.astype(dtype))
        target.update_tags(**(tags or {}))
    return path


def write_class_map(path, values, *, codes=None, dtype="uint16", **options):
    """Write a class map, with its CLASSES tag where `codes` names the values."""
    tags = {"CLASSES": json.dumps(codes)} if codes else None
    return write_raster(path, values, dtype=dtype, nodata=options.pop("nodata", 0), tags=tags, **options)


def shared_path(name):
    """A folder of the data beside the repository; the test that asks is skipped where it is absent."""
    path = REPOSITORY.parent / "shared" / name
    if not path.exists():
        pytest.skip(f"needs {path.relative_to(REPOSITORY.parent)} beside the repository")
    return path


def damage(path):
    """Overwrite the middle of a compressed file, as a broken copy leaves it."""
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(middle // 2) + content[middle + middle // 2 :])
    return path
