"""A region folder that has no stack yet, what predictors are made from, and what came out."""

import numpy as np
import rasterio
from affine import Affine

from ml.compute.predictors import building

GRID = "[grid]\nbounds = [700000, 6299500, 700600, 6300000]\n"
WEST, NORTH = 700_000, 6_300_000
LEGEND = "code,label_fr,label_en,color,parent_code,stake\n1,Un,One,#00ff00,,\n2,Deux,Two,#ff0000,,\n"


def write_region(path, *, epsg=2154, resolution=10.0, recipe=""):
    """Write region.toml, legend.csv and a recipe."""
    path.mkdir(parents=True)
    (path / "region.toml").write_text(
        f'name = "Essai"\nepsg = {epsg}\nresolution_m = {resolution}\nlegend = "legend.csv"\nyears = [2023]\n'
        'attribution = "Nobody"\nlicence = "Licence Ouverte 2.0"\n',
        encoding="utf-8",
    )
    (path / "legend.csv").write_text(LEGEND, encoding="utf-8")
    (path / "predictors.toml").write_text(recipe, encoding="utf-8")
    return path


def write_source(
    path, bands, *, cell=10.0, names=None, nodata=None, crs="EPSG:2154", origin=(WEST, NORTH), scales=None
):
    """Write (bands, rows, columns) with their type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": bands.dtype}
    transform = Affine(cell, 0, origin[0], 0, -cell, origin[1])
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as target:
        target.write(bands)
        if names:
            target.descriptions = names
        if scales:
            target.scales = scales
    return path


def build(region, recipe, **options):
    (region / "predictors.toml").write_text(recipe, encoding="utf-8")
    return building.build_predictors(region, 2023, building.BuildOptions(**options))


def values(path):
    """Physical values by description."""
    with rasterio.open(path) as source:
        levels = source.read().astype(np.float64)
        levels[levels == source.nodata] = np.nan
        scaled = levels * np.array(source.scales)[:, None, None] + np.array(source.offsets)[:, None, None]
        return dict(zip(source.descriptions, scaled, strict=True))


def slope_to_the_north(region, *, cell=10.0, margin=20):
    """A plane that falls 30 cm a metre towards the north, larger than the region by a margin."""
    side = round(600 / cell) + 2 * margin
    north = NORTH + margin * cell - (np.arange(side) + 0.5) * cell
    heights = np.repeat((1000 - 0.3 * (north - NORTH))[:, None], side, 1)
    origin = WEST - margin * cell, NORTH + margin * cell
    return write_source(region / "dem.tif", heights[None].astype(np.float32), cell=cell, origin=origin, nodata=-9999)


RELIEF = GRID + '[[relief]]\nfile = "relief.tif"\ndem = "dem.tif"\n'
