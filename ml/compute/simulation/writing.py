"""The files of a simulated region: rasters, layers, tables and region.toml; nothing in them depends on the clock."""

import csv
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetWriter

from ml.compute.errors import RegionFolderError
from ml.compute.simulation.change import CAUSES
from ml.compute.simulation.habitats import CODES, HABITATS, PARENTS, TYPOLOGY, Habitat
from ml.compute.simulation.options import SimulationOptions
from ml.compute.simulation.phenology import BANDS
from ml.compute.simulation.place import EPSG, grid_transform
from ml.compute.simulation.relief import Relief
from ml.compute.simulation.sensor import NODATA, SCALE, observed_band_names
from ml.compute.simulation.territories import KINDS, REGION_NAME
from ml.compute.simulation.weather import YearWeather

MINIMUM_UNIT_PX = 5  # 0.05 ha
# Name, unit and decimals kept.
RELIEF_BANDS = (("elevation", "m", 1), ("slope", "degree", 1), ("northness", "1", 2))
# GeoPackage stamps its layers with this moment instead of now: the same seed gives the same bytes.
_MOMENT = "2024-01-01T00:00:00Z"
_TILE = 512


@contextmanager
def _raster(path: Path, options: SimulationOptions, *, count: int, dtype: str, nodata: int) -> Iterator[DatasetWriter]:
    path.parent.mkdir(parents=True, exist_ok=True)
    tiles = {"tiled": True, "blockxsize": _TILE, "blockysize": _TILE} if options.size_px >= _TILE else {}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=options.size_px,
        height=options.size_px,
        count=count,
        dtype=dtype,
        nodata=nodata,
        crs=f"EPSG:{EPSG}",
        transform=grid_transform(options),
        compress="zstd",
        zstd_level=1,
        predictor=3 if dtype == "float32" else 2,
        interleave="band",
        num_threads="ALL_CPUS",
        bigtiff="IF_SAFER",
        **tiles,
    ) as target:
        yield target


def write_series(
    path: Path, options: SimulationOptions, year: int, weather: YearWeather, images: Iterator[NDArray[np.int16]]
) -> Iterator[int]:
    """Write the images of a year as they come, (6, size, size) int16 each; yield the number of each date."""
    names = observed_band_names(weather, year)
    with _raster(path, options, count=len(names), dtype="int16", nodata=NODATA) as target:
        target.descriptions = names
        target.scales = (SCALE,) * len(names)
        for number, image in enumerate(images):
            first = number * len(BANDS) + 1
            target.write(image, indexes=list(range(first, first + len(BANDS))))
            yield number


def write_relief(path: Path, options: SimulationOptions, relief: Relief) -> None:
    """Write elevation, slope and northness (1 on a cliff that faces north, 0 on the flat, -1 south) as float32."""
    across = np.sqrt(1 + relief.steepness**2)
    slope = np.degrees(np.arctan(relief.steepness))
    layers: tuple[NDArray[np.floating], ...] = (relief.elevation, slope, -relief.south_fall / across)
    with _raster(path, options, count=len(RELIEF_BANDS), dtype="float32", nodata=NODATA) as target:
        for index, (layer, (name, unit, decimals)) in enumerate(zip(layers, RELIEF_BANDS, strict=True), 1):
            target.write(layer.round(decimals).astype(np.float32), index)
            target.set_band_description(index, name)
            target.set_band_unit(index, unit)


def write_truth(
    folder: Path, options: SimulationOptions, year: int, truth: NDArray[np.uint8], cause: NDArray[np.uint8]
) -> None:
    """Write truth_YEAR.tif (number of the habitat, CLASSES tag) and change_YEAR.tif (CAUSES tag)."""
    with _raster(folder / f"truth_{year}.tif", options, count=1, dtype="uint8", nodata=0) as target:
        target.write(truth, 1)
        target.update_tags(CLASSES=json.dumps({str(number): code for number, code in enumerate(CODES, 1)}))
        target.write_colormap(1, {n: _rgba(habitat) for n, habitat in enumerate(HABITATS, 1)})
    # 255 is never written: 0 says that nothing changed, which is data.
    with _raster(folder / f"change_{year}.tif", options, count=1, dtype="uint8", nodata=255) as target:
        target.write(cause, 1)
        target.update_tags(CAUSES=json.dumps({"0": "no change", **{str(n): why for n, why in CAUSES.items()}}))


def _rgba(habitat: Habitat) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(habitat.color[1:])
    return red, green, blue, 255


def write_layers(path: Path, layers: dict[str, gpd.GeoDataFrame], *, geometry_type: str) -> None:
    """Write a GeoPackage, layer by layer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _MOMENT})
    try:
        for name, frame in layers.items():
            pyogrio.write_dataframe(
                frame, path, layer=name, driver="GPKG", geometry_type=geometry_type, append=path.exists()
            )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a UTF-8 CSV table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, lineterminator="\n")


def write_legend(path: Path) -> None:
    """Write legend.csv: the parents, then the habitats along the transect."""
    with path.open("w", encoding="utf-8", newline="") as target:
        table = csv.writer(target, lineterminator="\n")
        table.writerow(["code", "label_fr", "label_en", "color", "parent_code", "stake"])
        for habitat in (*PARENTS, *HABITATS):
            table.writerow(
                [habitat.code, habitat.label_fr, habitat.label_en, habitat.color, habitat.parent_code, habitat.stake]
            )


def write_region_file(path: Path, options: SimulationOptions) -> None:
    """Write region.toml."""
    series = _predictor("s2.tif", "time_series", BANDS, SCALE, "1")
    relief = _predictor(
        "relief.tif",
        "static",
        tuple(name for name, _, _ in RELIEF_BANDS),
        1.0,
        ", ".join(unit for _, unit, _ in RELIEF_BANDS),
    )
    path.write_text(
        f"""\
name = "{REGION_NAME}"
epsg = {EPSG}
resolution_m = {float(options.cell_m)}
legend = "legend.csv"
typology = "{TYPOLOGY}"
years = {sorted(options.years)}
attribution = "Données simulées"
licence = "Licence Ouverte 2.0"
simulated = true
seed = {options.seed}
minimum_unit_px = {MINIMUM_UNIT_PX}

[simulation]
size_px = {options.size_px}
date_count = {options.date_count}

[territories]
file = "territories.gpkg"
kinds = {json.dumps(KINDS)}

{series}
{relief}""",
        encoding="utf-8",
    )


def _predictor(file: str, kind: str, bands: tuple[str, ...], scale: float, unit: str) -> str:
    return f"""\
[[predictors]]
file = "{file}"
kind = "{kind}"
bands = {json.dumps(bands)}
scale = {scale}
offset = 0.0
unit = "{unit}"
nodata = {NODATA}
"""


def read_options(folder: Path, *, years: tuple[int, ...]) -> SimulationOptions:
    """Return the options that made a simulated region folder, for other years.

    Raises:
        RegionFolderError: the folder is no simulated region, or its region.toml was spoilt.
    """
    path = folder / "region.toml"
    if not path.is_file():
        raise RegionFolderError(f"{path}: no such file; simulate a region there first, without --add-year.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if not table.get("simulated"):
            raise RegionFolderError(f"{path}: this region is not simulated; years are added only to one that is.")
        return SimulationOptions(
            seed=table["seed"],
            years=years,
            size_px=table["simulation"]["size_px"],
            cell_m=table["resolution_m"],
            date_count=table["simulation"]["date_count"],
        )
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise RegionFolderError(f"{path}: not as simulate wrote it ({error}); simulate the region again.") from error


def years_of(folder: Path) -> tuple[int, ...]:
    """Return the years that a region folder lists."""
    table = tomllib.loads((folder / "region.toml").read_text(encoding="utf-8"))
    return tuple(table["years"])
