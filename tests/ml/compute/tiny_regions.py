"""A region folder of 60 x 50 cells, written in a moment: three habitats in stripes, clouds, relief."""

import csv
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import rasterio
from affine import Affine
from shapely.geometry import box

WIDTH, HEIGHT, CELL = 60, 50, 10
TRANSFORM = Affine(CELL, 0, 700_000, 0, -CELL, 6_300_000)
CODES = ("E1.2", "G1.7", "J2")
DATES = ("2024-03-10", "2024-05-09", "2024-06-28", "2024-08-17", "2024-10-16")
NODATA = -32768
# NDVI x 10,000 by date of grassland, wood and buildings.
SEASONS = np.array([[3000, 6000, 5000, 2500, 3500], [2500, 7000, 8500, 8000, 4500], [1000, 1200, 1100, 900, 1000]])

TOML = """
name = "Pays d'essai"
epsg = 2154
resolution_m = 10.0
legend = "legend.csv"
years = [2024]
attribution = "Nobody"
licence = "Licence Ouverte 2.0"

[territories]
file = "territories.gpkg"
kinds = ["region", "commune"]

[[predictors]]
file = "ndvi.tif"
kind = "time_series"
bands = ["NDVI"]
scale = 0.0001
offset = 0.0
unit = "1"
nodata = -32768

[[predictors]]
file = "relief.tif"
kind = "static"
bands = ["elevation"]
scale = 1.0
offset = 0.0
unit = "m"
nodata = -32768
"""

LEGEND = [
    ["code", "label_fr", "label_en", "color", "parent_code", "stake"],
    ["E", "Prairies", "Grassland", "#00ff00", "", ""],
    ["E1.2", "Pelouses", "Dry grassland", "#aabb33", "E", "fort"],
    ["G1.7", "Chênaies", "Oak woods", "#227733", "", "très fort"],
    ["J2", "Bâti", "Buildings", "#cc3333", "", "faible"],
]


@dataclass
class TinyRegion:
    """Where the folder is, and the true class of each cell."""

    path: object
    truth: np.ndarray
    samples: gpd.GeoDataFrame = field(repr=False)

    @property
    def stack(self):
        return sorted((self.path / "stack" / "2024").glob("*.tif"))

    @property
    def samples_file(self):
        return self.path / "samples" / "2024.gpkg"

    def rewrite_samples(self, frame, **options):
        self.samples_file.unlink()
        frame.to_file(self.samples_file, layer="samples", **options)

    def rewrite_legend(self, line, column, value):
        rows = [list(row) for row in LEGEND]
        rows[line - 1][rows[0].index(column)] = value
        write_legend(self.path, rows)

    def rewrite_toml(self, old, new):
        assert old in TOML
        (self.path / "region.toml").write_text(TOML.replace(old, new), encoding="utf-8")


def write_tiny_region(path, *, seed=0, clouds=True):
    """Write the folder; the same seed gives the same bytes of rasters."""
    rng = np.random.default_rng(seed)
    truth = np.add.outer(np.arange(HEIGHT) // 25, np.arange(WIDTH) // 10) % 3
    (path / "stack" / "2024").mkdir(parents=True)
    (path / "samples").mkdir()
    (path / "region.toml").write_text(TOML, encoding="utf-8")
    write_legend(path, LEGEND)
    ndvi = np.stack([SEASONS[truth, date] for date in range(len(DATES))]) + rng.normal(0, 500, (5, HEIGHT, WIDTH))
    ndvi = ndvi.astype(np.int16)
    if clouds:
        ndvi[1, :, 20:45] = NODATA
        ndvi[3] = NODATA
    write_stack_file(path / "stack/2024/ndvi.tif", ndvi, [f"{date}_NDVI" for date in DATES])
    relief = rng.normal(300, 20, (1, HEIGHT, WIDTH)).astype(np.float32)
    write_stack_file(path / "stack/2024/relief.tif", relief, ["elevation"])
    write_territories(path)
    samples = sample_squares(truth)
    samples.to_file(path / "samples" / "2024.gpkg", layer="samples")
    return TinyRegion(path, truth, samples)


def write_stack_file(path, bands, descriptions, *, nodata=NODATA, crs="EPSG:2154", transform=TRANSFORM):
    count, height, width = bands.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": bands.dtype}
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as target:
        target.write(bands)
        target.descriptions = descriptions
    return path


def write_legend(path, rows):
    with (path / "legend.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def write_territories(path):
    west, north = TRANSFORM.c, TRANSFORM.f
    east, south, middle = west + WIDTH * CELL, north - HEIGHT * CELL, west + WIDTH * CELL / 2
    layers = {
        "region": [("R", "Région", "", box(west, south, east, north))],
        "commune": [
            ("C1", "Ouest", "R", box(west, south, middle, north)),
            ("C2", "Est", "R", box(middle, south, east, north)),
        ],
    }
    for layer, rows in layers.items():
        code, name, parent_code, geometry = zip(*rows, strict=True)
        data = {"code": code, "name": name, "parent_code": parent_code}
        frame = gpd.GeoDataFrame(data, geometry=list(geometry), crs=2154)
        frame.to_file(path / "territories.gpkg", layer=layer)


def sample_squares(truth):
    """Squares of 6 x 6 cells inside the patches of 10 x 25; every third one is for testing."""
    rows = []
    for top in (2, 10, 27, 37):
        for left in range(2, WIDTH, 10):
            west, north = TRANSFORM @ (left, top)
            code = CODES[truth[top, left]]
            split = "test" if (len(rows) // 3) % 3 == 2 else "train"
            rows.append((code, "2024-06-01", "A. Botaniste", "releve", split, box(west, north - 60, west + 60, north)))
    columns = ("code", "date", "observers", "origin", "split", "geometry")
    return gpd.GeoDataFrame([dict(zip(columns, row, strict=True)) for row in rows], crs=2154)
