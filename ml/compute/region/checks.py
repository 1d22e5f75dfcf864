"""A region folder checked whole before a single row of it is imported."""

import re
from datetime import date
from pathlib import Path

import geopandas as gpd
import rasterio
from rasterio.crs import CRS
from shapely.geometry import box

from ml.compute.errors import SampleError, StackError
from ml.compute.grids import Grid, grid_of, name_of, open_raster, require_same_grid
from ml.compute.region.folder import RegionFolder
from ml.compute.region.predictors import Predictor
from ml.compute.region.vectors import read_samples, read_territory_layers

_DATE_BAND = re.compile(r"(\d{4}-\d{2}-\d{2})_(.+)")
MINIMUM_CLASSES = 2


def check_region_folder(folder: RegionFolder) -> tuple[str, ...]:
    """Check every raster, sample and territory of a folder.

    Args:
        folder: as `read_region_folder` returns it.

    Returns:
        Notices: what is absent, skipped or not learnable, one sentence each.

    Raises:
        ComputeError: the first part at fault, named with the way out.
    """
    notices = list(folder.notices)
    for year in folder.years:
        grid = _check_stack(folder, year)
        notices += _check_samples(folder, year, grid)
    read_territory_layers(folder)
    return tuple(notices)


def _check_stack(folder: RegionFolder, year: int) -> Grid:
    files = folder.stack_files(year)
    by_name = {file.name: file for file in files}
    for predictor in folder.predictors:
        if predictor.file not in by_name:
            raise StackError(
                f"{files[0].parent / predictor.file}: named by [[predictors]] in region.toml but missing; "
                "add the file or drop the entry."
            )
    predictors = {predictor.file: predictor for predictor in folder.predictors}
    first: Grid | None = None
    seen: dict[str, Path] = {}
    for file in files:
        with open_raster(file) as source:
            grid = _check_raster(source, file, folder.epsg)
            _check_bands(source, file, predictors.get(file.name), seen)
        first = first or grid
        require_same_grid(file, grid, files[0], first)
    if first is None:
        raise StackError(f"{folder.path}: no raster for {year}; add one.")
    return first


def _check_raster(source: rasterio.DatasetReader, file: Path, epsg: int) -> Grid:
    grid = grid_of(source, file)
    if grid.crs.to_epsg() != epsg and grid.crs != CRS.from_epsg(epsg):
        raise StackError(
            f"{file}: projection {name_of(grid.crs)}, but region.toml says 'epsg' {epsg}; "
            f"warp the raster (gdalwarp -t_srs EPSG:{epsg}) or correct the key."
        )
    for index, nodata in enumerate(source.nodatavals, 1):
        if nodata is None:
            raise StackError(
                f"{file}: band {index} has no nodata value; set the one that marks missing cells (gdal_edit -a_nodata)."
            )
    return grid


def _check_bands(
    source: rasterio.DatasetReader, file: Path, predictor: Predictor | None, seen: dict[str, Path]
) -> None:
    if predictor is not None and predictor.nodata is not None:
        stored = {float(nodata) for nodata in source.nodatavals}
        if stored != {predictor.nodata} and predictor.nodata == predictor.nodata:
            raise StackError(
                f"{file}: nodata is {sorted(stored)} in the file and {predictor.nodata:g} in region.toml; "
                "make them the same."
            )
    for index, description in enumerate(source.descriptions, 1):
        where = f"{file}: band {index}"
        if not description:
            raise StackError(f"{where} has no description; write DATE_BAND or the predictor's name.")
        if description in seen:
            raise StackError(
                f"{where} repeats the name '{description}' of {seen[description].name}; rename or drop one."
            )
        seen[description] = file
        if predictor is not None:
            _check_description(description, predictor, where)


def _check_description(description: str, predictor: Predictor, where: str) -> None:
    name = description
    if predictor.kind == "time_series":
        match = _DATE_BAND.fullmatch(description)
        if match is None or not _is_date(match.group(1)):
            raise StackError(f"{where} is called '{description}'; write DATE_BAND, as 2021-06-14_{predictor.bands[0]}.")
        name = match.group(2)
    if name not in predictor.bands:
        raise StackError(
            f"{where} is called '{description}', but region.toml lists the bands "
            f"{', '.join(predictor.bands)}; make them agree."
        )


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_samples(folder: RegionFolder, year: int, grid: Grid) -> list[str]:
    path = folder.samples_file(year)
    samples = read_samples(folder, year)
    inside = samples.intersects(box(*grid.bounds)).to_numpy()
    if not inside.any():
        raise SampleError(f"{path}: no sample lies on the rasters of {year}; check the projection of the samples.")
    learnable = samples[inside & (samples["split"] != "test").to_numpy()]
    codes = sorted(set(learnable["code"]))
    if len(codes) < MINIMUM_CLASSES:
        raise SampleError(
            f"{path}: only {len(codes)} class ({', '.join(codes)}) has samples outside the test split; "
            f"a map needs at least {MINIMUM_CLASSES}."
        )
    return _sample_notices(folder, path, samples, inside_count=int(inside.sum()), codes=set(codes))


def _sample_notices(
    folder: RegionFolder, path: Path, samples: gpd.GeoDataFrame, *, inside_count: int, codes: set[str]
) -> list[str]:
    notices = []
    if inside_count < len(samples):
        notices.append(f"{path}: {len(samples) - inside_count} samples lie off the rasters and are skipped.")
    test_only = sorted(set(samples["code"]) - codes)
    if test_only:
        notices.append(
            f"{path}: {', '.join(test_only)} has no sample to learn from, only to test: it cannot be mapped."
        )
    parents = {row.parent_code for row in folder.legend}
    unused = [r.code for r in folder.legend if r.code not in parents and r.code not in set(samples["code"])]
    if unused:
        notices.append(f"{path}: no sample of {', '.join(unused)}: these classes cannot be mapped.")
    return notices
