import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from ml.compute.change import compare_maps, zonal_transitions
from ml.compute.cogs import written_as_cog
from ml.compute.errors import RasterError, ZoneError
from ml.compute.grids import read_grid
from tests.ml.compute.rasters import LAMBERT_93, TEN_METRES, write_class_map, write_raster

CODES = {1: "E1.2", 2: "G1.7", 3: "J1"}


@pytest.fixture
def before(tmp_path):
    return write_class_map(tmp_path / "before.tif", [[1, 1, 2], [2, 2, 0]], codes=CODES)


@pytest.fixture
def after(tmp_path):
    return write_class_map(tmp_path / "after.tif", [[1, 3, 2], [3, 0, 1]], codes=CODES)


def rows_of(table):
    return [tuple(row) for row in table.itertuples(index=False)]


def test_the_table_counts_every_pair_with_data_in_both_maps(before, after):
    table = compare_maps(before, after)
    assert list(table.columns) == ["from_class", "to_class", "cells", "area_m2"]
    assert rows_of(table) == [
        ("E1.2", "E1.2", 1, 100),
        ("E1.2", "J1", 1, 100),
        ("G1.7", "G1.7", 1, 100),
        ("G1.7", "J1", 1, 100),
    ]


def test_the_change_raster_holds_both_classes(before, after, tmp_path):
    compare_maps(before, after, out=tmp_path / "change.tif")
    with rasterio.open(tmp_path / "change.tif") as change:
        assert change.read(1).tolist() == [[65537, 65539, 131074], [131075, 0, 0]]
        assert (change.dtypes[0], change.nodata) == ("uint32", 0)
        assert json.loads(change.tags()["CLASSES"]) == {"1": "E1.2", "2": "G1.7", "3": "J1"}
        assert change.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert "65536" in change.descriptions[0]


def test_maps_that_number_their_classes_differently_are_compared_by_code(before, tmp_path):
    other = write_class_map(tmp_path / "other.tif", [[9, 1, 1], [9, 1, 1]], codes={1: "G1.7", 9: "E1.2"})
    table = compare_maps(before, other, out=tmp_path / "change.tif")
    assert rows_of(table)[:2] == [("E1.2", "G1.7", 1, 100), ("E1.2", "E1.2", 1, 100)]
    with rasterio.open(tmp_path / "change.tif") as change:
        assert json.loads(change.tags()["CLASSES"]) == {"1": "E1.2", "2": "G1.7"}
        assert change.read(1)[0].tolist() == [65537, 65538, 131074]


def test_maps_without_common_data_give_an_empty_table(before, tmp_path):
    empty = write_class_map(tmp_path / "empty.tif", np.zeros((2, 3)))
    assert compare_maps(before, empty).empty


def test_maps_of_different_grids_are_refused_with_both_names(before, tmp_path):
    shifted = write_class_map(
        tmp_path / "shifted.tif", np.ones((2, 3)), transform=TEN_METRES @ Affine.translation(0.5, 0)
    )
    with pytest.raises(RasterError, match=r"shifted.tif does not lie on the grid of .*before.tif: cells shifted"):
        compare_maps(before, shifted, out=tmp_path / "change.tif")
    assert not (tmp_path / "change.tif").exists()


def test_transitions_are_given_by_zone(before, after):
    left, top = TEN_METRES.c, TEN_METRES.f
    zones = gpd.GeoDataFrame(
        {"code": ["north", "south"]},
        geometry=[shapely.box(left, top - 10, left + 30, top), shapely.box(left, top - 20, left + 30, top - 10)],
        crs=LAMBERT_93,
    )
    table = zonal_transitions(before, after, zones, "code")
    assert rows_of(table) == [
        ("north", "E1.2", "E1.2", 100),
        ("north", "E1.2", "J1", 100),
        ("north", "G1.7", "G1.7", 100),
        ("south", "G1.7", "J1", 100),
    ]
    with pytest.raises(ZoneError, match="no column 'insee'"):
        zonal_transitions(before, after, zones, "insee")


def test_a_large_map_is_compared_strip_by_strip(tmp_path, monkeypatch):
    random = np.random.default_rng(3)
    first = write_class_map(tmp_path / "first.tif", random.integers(0, 9, (50, 20)))
    second = write_class_map(tmp_path / "second.tif", random.integers(0, 9, (50, 20)))
    whole = compare_maps(first, second)
    monkeypatch.setattr("ml.compute.zonal.CELLS_AT_ONCE", 140)
    assert compare_maps(first, second).equals(whole)
    assert whole.cells.sum() < 1000


def test_a_raster_that_fails_half_way_leaves_the_earlier_one(tmp_path):
    path = write_raster(tmp_path / "kept.tif", [[7]], dtype="uint8")
    grid = read_grid(path)
    with pytest.raises(ZeroDivisionError), written_as_cog(path, grid, dtype="uint8", nodata=0):
        raise ZeroDivisionError
    with rasterio.open(path) as kept:
        assert kept.read(1).tolist() == [[7]]
    assert [file.name for file in tmp_path.iterdir()] == ["kept.tif"]
