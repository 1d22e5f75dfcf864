"""Predictors beside plain peers: odc-stac and xarray, numpy and scipy, averages by GDAL, DEFLATE.

Each peer computes the same values; the largest differences go to the terminal. CPU time, medians of three.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import odc.stac
import pystac
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS
from rasterio.shutil import copy as copy_raster
from rasterio.warp import Resampling, reproject
from rasterio.windows import Window
from scipy import ndimage
from shapely.geometry import box, mapping

from ml.compute.grids import Grid
from ml.compute.predictors import surface
from ml.compute.predictors.clouds import DEFAULT_MASKED
from ml.compute.predictors.filling import fill_regularly
from ml.compute.predictors.outputs import OutputBand, OutputFile, to_levels, to_values, written_stack_file
from ml.compute.predictors.places import Place, degrees_of
from ml.compute.predictors.series import OpenSeries
from ml.compute.predictors.series_keys import series_section
from ml.compute.predictors.stac_images import CatalogueImages, MaskRule
from ml.compute.predictors.texture import texture_section

REPEATS = 3
CELL_M, WEST, NORTH, CODE = 10.0, 500_000, 4_800_000, "EPSG:32631"
Answer = TypeVar("Answer")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure_filling()
        measure_series(folder)
        measure_relief(folder)
        measure_texture(folder)
        measure_reading(folder)


def say(what: str, who: str, work: Callable[[], Answer], aim: str = "") -> Answer:
    """Run once to compile, then measure."""
    answer = work()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        answer = work()
        times.append(time.process_time() - start)
    row = {"what": what, "who": who, "value": statistics.median(times), "unit": "CPU s", "aim": aim}
    print(json.dumps(row), flush=True)
    return answer


def compare(what: str, ours: np.ndarray, peer: np.ndarray) -> None:
    difference = np.nanmax(np.abs(ours.astype(np.float64) - peer))
    print(f"{what}: largest difference from the peer {difference:.2g}", file=sys.stderr)


def grid_of(side: int) -> Grid:
    return Grid(side, side, Affine(CELL_M, 0, WEST, 0, -CELL_M, NORTH), CRS.from_string(CODE))


def measure_filling() -> None:
    random = np.random.default_rng(0)
    days = np.arange(0, 360, 10).astype(np.float32)
    steps = np.arange(0, 351, 15).astype(np.float32)
    values = random.random((days.size, 100_000), np.float32)
    values[random.random(values.shape) < 0.4] = np.nan
    what = "gaps filled on 24 steps, 36 dates x 0.1 Mpx"
    ours = say(what, "bioccia", lambda: fill_regularly(values, days, steps, 0.0))
    peer = say(what, "numpy.interp, cell by cell", lambda: filled_by_numpy(values, days, steps))
    compare(what, ours, peer)


def filled_by_numpy(values: np.ndarray, days: np.ndarray, steps: np.ndarray) -> np.ndarray:
    filled = np.full((steps.size, values.shape[1]), np.nan)
    for cell in range(values.shape[1]):
        valid = ~np.isnan(values[:, cell])
        if valid.any():
            filled[:, cell] = np.interp(steps, days[valid], values[valid, cell])
    return filled


def measure_series(folder: Path) -> None:
    grid = grid_of(512)
    days = write_images(folder, grid)
    table = {
        "file": "s2.tif", "api": "http://127.0.0.1", "collection": "s2", "bands": {"B04": "red", "B08": "nir"},
        "indices": ["NDVI"], "mask": "scl", "dilation_m": 0, "step_days": 15, "end": "12-26",
    }  # fmt: skip
    section = series_section(table, "bench")

    def ours() -> np.ndarray:
        images = CatalogueImages(days, grid, ("red", "nir"), MaskRule("scl", DEFAULT_MASKED, 0), None)
        series = OpenSeries(section, Place(folder, 2023, grid), images, [])
        return to_values(series.levels(Window(0, 0, grid.width, grid.height))[0], OutputBand("", 1e-4))

    what = "a series of 24 dates, 2 bands and NDVI, 0.26 Mpx"
    made = say(what, "bioccia", ours)
    peer = say(what, "odc-stac + xarray", lambda: series_by_xarray(days, grid))
    compare(what, made[2::3], peer)


def write_images(folder: Path, grid: Grid) -> dict[date, list[pystac.Item]]:
    random = np.random.default_rng(1)
    days: dict[date, list[pystac.Item]] = {}
    bounds = degrees_of(grid.crs, grid.bounds)
    for number in range(24):
        day = date(2023, 1, 1) + timedelta(days=15 * number)
        moment = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
        item = pystac.Item(f"i{number}", mapping(box(*bounds)), list(bounds), moment, {})
        scene = np.where(ndimage.zoom(random.random((16, 16)), 32, order=1) > 0.55, 9, 4)
        for asset, levels in {
            "red": random.integers(300, 900, scene.shape),
            "nir": 3000 + 10 * scene,
            "scl": scene,
        }.items():
            path = folder / f"{item.id}_{asset}.tif"
            profile = {"driver": "GTiff", "width": 512, "height": 512, "count": 1, "dtype": "uint16", "nodata": 0}
            with rasterio.open(path, "w", crs=CODE, transform=grid.transform, compress="deflate", **profile) as target:
                target.write(levels.astype(np.uint16), 1)
            item.add_asset(asset, pystac.Asset(str(path)))
        days[day] = [item]
    return days


def series_by_xarray(days: dict[date, list[pystac.Item]], grid: Grid) -> np.ndarray:
    items = [item for items in days.values() for item in items]
    geobox = GeoBox((grid.height, grid.width), grid.transform, CODE)
    images = odc.stac.load(items, bands=["red", "nir", "scl"], geobox=geobox)
    usable = ~images.scl.isin(DEFAULT_MASKED)
    steps = images.time.to_numpy()
    near, red = (
        (images[band].where(usable & (images[band] > 0)) * np.float32(1e-4)).interpolate_na("time").interp(time=steps)
        for band in ("nir", "red")
    )
    return ((near - red) / (near + red)).to_numpy()


def measure_relief(folder: Path) -> None:
    random = np.random.default_rng(2)
    heights = (ndimage.zoom(random.normal(600, 300, (32, 32)), 1000 / 32, order=3)).astype(np.float32)
    radii = (10, 50)
    what = "slope, exposure, profile curvature, roughness, position at 100 and 500 m, 1 Mpx"
    ours = say(what, "bioccia", lambda: relief_of(heights, radii))
    peer = say(what, "numpy + scipy", lambda: relief_by_scipy(heights, radii))
    inside = slice(60, -60)
    for name, mine, theirs in zip(("slope", "curvature", "position"), ours, peer, strict=True):
        compare(f"relief, {name}", mine[inside, inside], theirs[inside, inside])
    if shutil.which("gdaldem"):
        measure_gdaldem(folder, heights)


def relief_of(heights: np.ndarray, radii: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    halo = max(radii)
    padded = np.pad(heights, halo, constant_values=np.nan)
    derived = surface.derive_surface(padded[halo - 1 : 1 - halo, halo - 1 : 1 - halo], CELL_M, CELL_M)
    surface.exposure(derived)
    positions = [surface.topographic_position(padded, halo, radius) for radius in radii]
    return surface.slope_degrees(derived), surface.curvatures(derived)[1], positions[0]


def relief_by_scipy(heights: np.ndarray, radii: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    z = heights.astype(np.float64)
    p = ndimage.convolve1d(ndimage.convolve1d(z, [1, 2, 1], 0), [1, 0, -1], 1) / (8 * CELL_M)
    q = ndimage.convolve1d(ndimage.convolve1d(z, [1, 2, 1], 1), [-1, 0, 1], 0) / (8 * CELL_M)
    r = ndimage.convolve1d(ndimage.convolve1d(z, [1, 1, 1], 0), [1, -2, 1], 1) / (3 * CELL_M**2)
    t = ndimage.convolve1d(ndimage.convolve1d(z, [1, 1, 1], 1), [1, -2, 1], 0) / (3 * CELL_M**2)
    s = ndimage.convolve1d(ndimage.convolve1d(z, [1, 0, -1], 1), [-1, 0, 1], 0) / (4 * CELL_M**2)
    steepness = p * p + q * q
    slope = np.degrees(np.arctan(np.sqrt(steepness)))
    length = np.sqrt(1 + steepness)
    _exposure = -q / length, -p / length
    profile = -(p * p * r + 2 * p * q * s + q * q * t) / np.maximum(steepness, 1e-10) / (1 + steepness) ** 1.5
    _roughness = ndimage.maximum_filter(z, 3) - ndimage.minimum_filter(z, 3)
    positions = [z - ndimage.uniform_filter(z, 2 * radius + 1, mode="nearest") for radius in radii]
    return slope, profile, positions[0]


def measure_gdaldem(folder: Path, heights: np.ndarray) -> None:
    path = folder / "heights.tif"
    profile = {"driver": "GTiff", "width": heights.shape[1], "height": heights.shape[0], "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs=CODE, transform=grid_of(1).transform, **profile) as target:
        target.write(heights, 1)
    what = "slope alone from a file, 1 Mpx"

    def ours() -> np.ndarray:
        with rasterio.open(path) as source:
            padded = np.pad(source.read(1), 1, constant_values=np.nan)
        return surface.slope_degrees(surface.derive_surface(padded, CELL_M, CELL_M))

    say(what, "bioccia", ours)
    times = []
    for _ in range(REPEATS):
        start = sum(resource_of_children())
        subprocess.run(["gdaldem", "slope", "-q", path, folder / "slope.tif"], check=True)
        times.append(sum(resource_of_children()) - start)
    print(json.dumps({"what": what, "who": "gdaldem", "value": statistics.median(times), "unit": "CPU s", "aim": ""}))


def resource_of_children() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime, usage.ru_stime


def measure_texture(folder: Path) -> None:
    grid, fine = grid_of(300), 1.5
    side = int(300 * CELL_M / fine)
    image = np.random.default_rng(3).integers(1, 255, (side, side)).astype(np.uint8)
    transform = Affine(fine, 0, WEST, 0, -fine, NORTH)
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint8", "nodata": 0}
    with rasterio.open(folder / "vhr.tif", "w", crs=CODE, transform=transform, tiled=True, **profile) as target:
        target.write(image, 1)
    measures = ["mean", "deviation", "contrast", "edges", "shadow"]
    table = {"file": "t.tif", "source": "vhr.tif", "range": [0, 255], "measures": measures, "shadow_below": 25}
    section = texture_section(table, "bench")
    what = "5 measures of texture, 4 Mpx of 1.5 m in cells of 10 m"

    def ours() -> np.ndarray:
        opened = section.open(Place(folder, 2023, grid))
        try:
            mean = opened.files[0].bands[0]
            return to_values(opened.levels(Window(0, 0, grid.width, grid.height))[0], mean)
        finally:
            opened.close()

    made = say(what, "bioccia", ours)
    peer = say(what, "numpy + GDAL average", lambda: texture_by_averages(folder / "vhr.tif", grid))
    compare(what + ", mean (GDAL shares pixels between cells)", made[0], peer[0])


def texture_by_averages(path: Path, grid: Grid) -> list[np.ndarray]:
    with rasterio.open(path) as source:
        image, transform = source.read(1).astype(np.float32), source.transform
    contrast = sum((image - np.roll(image, shift, (0, 1))) ** 2 for shift in ((0, -1), (-1, 0), (-1, -1), (-1, 1)))
    gradient = np.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1)) / 8
    planes = [image, image**2, contrast / 4, gradient > 0.05 * 255, image < 25]
    means = [averaged(np.asarray(plane, np.float32), transform, grid) for plane in planes]
    return [means[0], np.sqrt(np.maximum(means[1] - means[0] ** 2, 0)), np.sqrt(means[2]), *means[3:]]


def averaged(plane: np.ndarray, transform: Affine, grid: Grid) -> np.ndarray:
    out = np.empty((grid.height, grid.width), np.float32)
    places = {"src_transform": transform, "src_crs": CODE, "dst_transform": grid.transform, "dst_crs": CODE}
    reproject(plane, out, resampling=Resampling.average, **places)
    return out


def measure_reading(folder: Path) -> None:
    grid, steps = grid_of(1024), 24
    bands = tuple(OutputBand(f"{date(2023, 1, 1) + timedelta(days=15 * n)}_B04", 1e-4) for n in range(steps))
    ours, peer = folder / "zstd.tif", folder / "deflate.tif"
    random = np.random.default_rng(4)
    ground = ndimage.zoom(random.random((64, 64)), 16, order=1) * 0.3
    with written_stack_file(ours, grid, OutputFile("zstd.tif", bands, "time_series")) as target:
        for index, band in enumerate(bands, 1):
            noisy = (ground + random.normal(0, 0.004, ground.shape)).astype(np.float32)
            target.write(to_levels(noisy, band), index)
    options = {"driver": "COG", "blocksize": 512, "overview_resampling": "average", "compress": "DEFLATE"}
    copy_raster(ours, peer, predictor=2, **options)
    what = "reading a file of 24 dates, 25 Mpx"
    first = say(what, "bioccia", lambda: read_whole(ours), "1.7 x")
    second = say(what, "the same in DEFLATE, predictor 2", lambda: read_whole(peer))
    if not np.array_equal(first, second):
        raise SystemExit("ZSTD and DEFLATE do not hold the same values")
    sizes = {path.stem: path.stat().st_size for path in (ours, peer)}
    print(f"{what}: {sizes['zstd'] / sizes['deflate']:.3f} times the bytes of DEFLATE", file=sys.stderr)


def read_whole(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read()


if __name__ == "__main__":
    main()
