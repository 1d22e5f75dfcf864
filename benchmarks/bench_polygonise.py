"""A 4 Mpx class map as polygons, beside GDAL's sieve and polygonize with shapely's coverage_simplify."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import rasterio
import rasterio.features
import shapely
from affine import Affine
from scipy import ndimage

from ml.compute.grids import Grid, read_grid
from ml.compute.minimum_unit import apply_minimum_unit
from ml.compute.outlines import outline_patches
from ml.compute.polygons import generalise_map, polygonise_map

SIDE = 2000
CLASSES = 16
UNIT_PX = 4
TOLERANCE_M = 10.0
Answer = TypeVar("Answer")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        measure_steps(write_map(Path(folder) / "warm.tif", 200), quiet=True)  # compiles
        measure_steps(write_map(Path(folder) / "map.tif", SIDE), quiet=False)


def measure_steps(path: Path, *, quiet: bool) -> None:
    def say(what: str, who: str, work: Callable[[], Answer], aim: str = "") -> Answer:
        start = time.process_time()
        answer = work()
        if not quiet:
            row = {"what": what, "who": who, "value": time.process_time() - start, "unit": "CPU s", "aim": aim}
            print(json.dumps(row), flush=True)
        return answer

    grid = read_grid(path)
    with rasterio.open(path) as source:
        classes = source.read(1)
    what = f"minimum unit of {UNIT_PX} cells, 4 Mpx"
    patches = say(what, "bioccia", lambda: apply_minimum_unit(classes, mmu_px=UNIT_PX))
    say(what, "GDAL sieve", lambda: rasterio.features.sieve(classes, UNIT_PX))
    what = "outlines, 4 Mpx"
    outlines = say(what, "bioccia", lambda: outline_patches(patches.labels, grid))
    peers = say(what, "rasterio shapes", lambda: peer_outlines(patches.labels, grid))
    what = "outlines simplified as a coverage, 4 Mpx"
    say(what, "bioccia", lambda: simplify(outline_patches(patches.labels, grid)), "10 x")
    say(what, "rasterio shapes + coverage_simplify", lambda: simplify(peer_outlines(patches.labels, grid)))
    what = "whole polygonise_map, 4 Mpx"
    frame = say(what, "bioccia", lambda: polygonise_map(path, mmu_px=UNIT_PX, simplify_m=TOLERANCE_M))
    say("generalise_map by 5, 4 Mpx", "bioccia", lambda: generalise_map(path, factor=5))
    sound = shapely.coverage_is_valid(frame.geometry.to_numpy()) and shapely.is_valid(frame.geometry).all()
    same = np.array_equal(shapely.area(outlines), shapely.area(peers))
    peers_sound = shapely.coverage_is_valid(peers)
    print(f"{len(frame)} polygons, areas as the peer's: {same}", file=sys.stderr)
    print(f"valid coverage: {sound}; the peer's, before it is simplified: {peers_sound}", file=sys.stderr)


def write_map(path: Path, side: int) -> Path:
    """A landscape of smooth patches with one cell in ten wrong, as a classifier leaves it."""
    random = np.random.default_rng(0)
    fields = (ndimage.gaussian_filter(random.standard_normal((side, side)), 5) for _ in range(CLASSES))
    classes = (np.stack([field.astype("float32") for field in fields]).argmax(0) + 1).astype("uint16")
    wrong = random.random((side, side)) < 0.1
    classes[wrong] = random.integers(1, CLASSES + 1, wrong.sum())
    transform = Affine(10, 0, 700_000, 0, -10, 6_300_000)
    size = {"width": side, "height": side, "count": 1, "dtype": "uint16"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:2154", transform=transform, nodata=0, **size) as target:
        target.write(classes, 1)
    return path


def peer_outlines(labels: np.ndarray, grid: Grid) -> np.ndarray:
    """Polygons by label, through GDAL's polygonize."""
    found = rasterio.features.shapes(labels, mask=labels > 0, connectivity=4, transform=grid.transform)
    polygons = np.empty(labels.max(), dtype=object)
    for outline, label in found:
        polygons[int(label) - 1] = shapely.geometry.shape(outline)
    return polygons


def simplify(outlines: np.ndarray) -> np.ndarray:
    return shapely.coverage_simplify(outlines, TOLERANCE_M)


if __name__ == "__main__":
    main()
