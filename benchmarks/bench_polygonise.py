"""A 4 Mpx class map as polygons, beside GDAL's sieve and polygonize with shapely's coverage_simplify.

Every figure is the median of three runs. Both sides get the same labels and the same tolerance, the side of a cell.
"""

import json
import statistics
import subprocess
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
REPEATS = 3
PEER = "rasterio shapes + coverage_simplify"
Answer = TypeVar("Answer")


def main() -> None:
    if len(sys.argv) > 1:
        print_peak(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure_steps(write_map(Path(folder) / "warm.tif", 200), quiet=True)  # compiles
        path = write_map(Path(folder) / "map.tif", SIDE)
        measure_steps(path, quiet=False)
        measure_memory(path)


def measure_steps(path: Path, *, quiet: bool) -> None:
    def say(what: str, who: str, work: Callable[[], Answer], aim: str = "") -> Answer:
        answer, cpu, wall = measured(work)
        for unit, value in (("CPU s", cpu), ("s", wall)):
            if not quiet:
                row = {"what": f"{what}, {unit}", "who": who, "value": value, "unit": unit, "aim": aim}
                print(json.dumps(row), flush=True)
        return answer

    grid = read_grid(path)
    with rasterio.open(path) as source:
        classes = source.read(1)
    what = f"minimum unit of {UNIT_PX} cells, 4 Mpx"
    patches = say(what, "bioccia", lambda: apply_minimum_unit(classes, mmu_px=UNIT_PX))
    sieved = say(what, "GDAL sieve", lambda: rasterio.features.sieve(classes, UNIT_PX))
    what = f"{patches.sizes.size - 1} polygons simplified as a coverage, 4 Mpx"
    mine = say(what, "bioccia", lambda: outline_patches(patches.labels, grid, tolerance=TOLERANCE_M), "25 x")
    peers = say(what, PEER, lambda: simplify(peer_outlines(patches.labels, grid)))
    what = "class raster to polygons over the unit, 4 Mpx"
    frame = say(what, "bioccia", lambda: polygonise_map(path, mmu_px=UNIT_PX, simplify_m=TOLERANCE_M), "10 x")
    say(what, f"GDAL sieve + {PEER}", lambda: simplify(peer_polygons(rasterio.features.sieve(classes, UNIT_PX), grid)))
    say("generalise_map by 5, 4 Mpx", "bioccia", lambda: generalise_map(path, factor=5))
    if not quiet:
        under = int((frame["area_m2"] < UNIT_PX * TOLERANCE_M**2).sum())
        print(
            f"cells that sieve and our unit class differently: {(sieved != merged(patches)).mean():.2%}",
            file=sys.stderr,
        )
        print(f"polygons under the unit after simplification: {under}", file=sys.stderr)
        for who, shapes in (("bioccia", mine), ("bioccia, whole", frame.geometry.to_numpy()), (PEER, peers)):
            print(f"{who}: {judged(shapes)}", file=sys.stderr)


def measured(work: Callable[[], Answer]) -> tuple[Answer, float, float]:
    cpu, wall = [], []
    for _ in range(REPEATS):
        start, start_wall = time.process_time(), time.perf_counter()
        answer = work()
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - start_wall)
    return answer, statistics.median(cpu), statistics.median(wall)


def judged(shapes: np.ndarray) -> str:
    valid = f"{shapely.is_valid(shapes).all()}, as a coverage {shapely.coverage_is_valid(shapes)}"
    return f"valid {valid}; {shapely.get_num_coordinates(shapes).sum()} vertices"


def merged(patches: object) -> np.ndarray:
    return patches.values[patches.labels]


def measure_memory(path: Path) -> None:
    """Peak memory of the command's work in a process of its own, on the map and on four of it below each other."""
    tall = path.with_name("tall.tif")
    with rasterio.open(path) as source:
        profile, classes = source.profile, source.read(1)
    with rasterio.open(tall, "w", **{**profile, "height": 4 * SIDE}) as target:
        target.write(np.tile(classes, (4, 1)), 1)
    tiny = write_map(path.with_name("tiny.tif"), 50)
    for what, file in (("a tiny map: imports", tiny), ("4 Mpx", path), ("16 Mpx, four times as high", tall)):
        said = subprocess.run([sys.executable, __file__, str(file)], check=True, capture_output=True, text=True)
        row = {
            "what": f"peak memory of polygonise, {what}",
            "who": "bioccia",
            "value": float(said.stdout),
            "unit": "MB",
        }
        print(json.dumps(row), flush=True)


def print_peak(path: Path) -> None:
    from ml.compute.__main__ import main as engine

    out = path.with_suffix(".gpkg")
    sys.stdout = sys.stderr
    engine(["polygonise", str(path), "--mmu-px", "4", "--simplify", "10", "--out", str(out)])
    status = Path("/proc/self/status").read_text(encoding="ascii")  # getrusage would count the parent's memory too
    sys.__stdout__.write(str(int(status.partition("VmHWM:")[2].split()[0]) / 1000))


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


def peer_polygons(classes: np.ndarray, grid: Grid) -> np.ndarray:
    """Polygons of a class map, through GDAL's polygonize."""
    found = rasterio.features.shapes(classes, mask=classes > 0, connectivity=4, transform=grid.transform)
    return np.array([shapely.geometry.shape(outline) for outline, _value in found], dtype=object)


def simplify(outlines: np.ndarray) -> np.ndarray:
    return shapely.coverage_simplify(outlines, TOLERANCE_M)


if __name__ == "__main__":
    main()
