"""A scene to map for the benchmarks of the engine: patches of habitats, 50 predictors, samples to learn and to judge.

Each habitat has its own mean in each predictor; the ground adds slow variations, the sensor noise. Written as the
engine writes its stacks: COG, int16, ZSTD level 1, predictor 2, tiles of 512.
"""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from affine import Affine
from rasterio.shutil import copy as copy_raster
from scipy.ndimage import zoom
from scipy.spatial import cKDTree
from shapely.geometry import box

BANDS = 50
CELL_M = 10.0
PATCH_CELLS = 500
SAMPLE_CELLS = 6
TRANSFORM = Affine(CELL_M, 0, 600_000, 0, -CELL_M, 6_300_000)
MEAN, SPREAD = 3000, 250
NOISE, SLOW = 1.6, 0.8
WELL_INSIDE = 0.75


@dataclass(frozen=True)
class EngineScene:
    """Files of a scene; `samples` holds both splits, `lessons` those that may train."""

    stack: Path
    samples: Path
    lessons: Path
    side: int

    @property
    def cells(self) -> int:
        """How many there are to map."""
        return self.side**2


def write_scene(folder: Path, *, side: int, classes: int, samples_per_class: int, seed: int = 0) -> EngineScene:
    """Write the stack and its samples."""
    rng = np.random.default_rng(seed)
    truth = _patches(side, classes, rng)
    stack = folder / f"stack-{classes}.tif"
    _write_stack(stack, truth, classes, rng)
    frame = _samples(truth, classes, samples_per_class, rng)
    samples, lessons = folder / f"samples-{classes}.gpkg", folder / f"lessons-{classes}.gpkg"
    frame.to_file(samples, layer="samples")
    frame[frame["split"] == "train"].to_file(lessons, layer="samples")
    return EngineScene(stack, samples, lessons, side)


def _patches(side: int, classes: int, rng: np.random.Generator) -> np.ndarray:
    """The habitat of each cell, from 1: that of the nearest of scattered points."""
    count = max(side * side // PATCH_CELLS, classes * 4)
    points = rng.uniform(0, side, (count, 2))
    habitat = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)]) + 1
    rows, columns = np.mgrid[0:side, 0:side]
    _, nearest = cKDTree(points).query(np.column_stack([rows.ravel(), columns.ravel()]), workers=1)
    return habitat[nearest].reshape(side, side)


def _write_stack(path: Path, truth: np.ndarray, classes: int, rng: np.random.Generator) -> None:
    side = truth.shape[0]
    means = rng.normal(0, 1, (classes + 1, BANDS))
    draft = path.with_suffix(".draft.tif")
    shape = {"driver": "GTiff", "width": side, "height": side, "count": BANDS, "dtype": "int16", "nodata": -32768}
    with rasterio.open(draft, "w", crs="EPSG:2154", transform=TRANSFORM, **shape, tiled=True) as target:
        for band in range(BANDS):
            slow = zoom(rng.normal(0, SLOW, (side // 64 + 2, side // 64 + 2)), 64, order=1)[:side, :side]
            noise = rng.normal(0, NOISE, (side, side))
            target.write(np.rint(MEAN + SPREAD * (means[truth, band] + slow + noise)).astype(np.int16), band + 1)
            target.set_band_description(band + 1, f"predictor_{band + 1:02d}")
    options = {"compress": "ZSTD", "level": 1, "predictor": 2, "blocksize": 512, "overviews": "NONE"}
    copy_raster(draft, path, driver="COG", **options)
    draft.unlink()


def _samples(truth: np.ndarray, classes: int, each: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Squares of SAMPLE_CELLS mostly within one habitat; every third one judges."""
    side = truth.shape[0]
    found: dict[int, int] = dict.fromkeys(range(1, classes + 1), 0)
    rows = []
    for top, left in rng.integers(0, side - SAMPLE_CELLS, (each * classes * 12, 2)):
        square = truth[top : top + SAMPLE_CELLS, left : left + SAMPLE_CELLS]
        code = int(square[SAMPLE_CELLS // 2, SAMPLE_CELLS // 2])
        if found[code] >= each or (square == code).mean() < WELL_INSIDE:
            continue
        west, north = TRANSFORM @ (int(left), int(top))
        outline = box(west, north - SAMPLE_CELLS * CELL_M, west + SAMPLE_CELLS * CELL_M, north)
        rows.append({"code": code, "split": "test" if found[code] % 3 == 2 else "train", "geometry": outline})
        found[code] += 1
    return gpd.GeoDataFrame(rows, crs=2154)
