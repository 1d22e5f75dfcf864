import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from exactextract import exact_extract
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from ml.compute.__main__ import main
from ml.compute.errors import RasterError, ZoneError
from ml.compute.grids import Grid
from ml.compute.zonal import zonal_areas
from ml.compute.zone_cells import count_cells, zone_edges
from tests.ml.compute.rasters import LAMBERT_93, TEN_METRES, shared_path, write_class_map

LEFT, TOP = TEN_METRES.c, TEN_METRES.f


def zones_of(*geometries, names=None, crs=LAMBERT_93):
    names = names or [f"{number:05d}" for number in range(1, len(geometries) + 1)]
    return gpd.GeoDataFrame({"code": names}, geometry=list(geometries), crs=crs)


def box(west, south, east, north):
    """A box in cells, counted from the upper left corner of the map."""
    return shapely.box(LEFT + west * 10, TOP - south * 10, LEFT + east * 10, TOP - north * 10)


@pytest.fixture
def speckled(tmp_path):
    values = np.random.default_rng(7).integers(0, 6, (300, 400))
    codes = {1: "E1.2", 2: "F3.1", 3: "G1.7", 4: "H2", 5: "J1"}
    return write_class_map(tmp_path / "classes.tif", values, codes=codes)


def as_dict(table):
    return {(row.zone, row["class"]): row.area_m2 for _, row in table.iterrows()}


def test_a_cell_counts_by_the_share_of_it_in_the_zone(tmp_path):
    path = write_class_map(tmp_path / "map.tif", [[1, 1, 2], [1, 1, 0]], codes={1: "A", 2: "B"})
    table = zonal_areas(path, zones_of(box(0, 2, 1.4, 0), box(1.4, 2, 3, 0)), "code")
    assert list(table.columns) == ["zone", "class", "area_m2"]
    assert as_dict(table) == pytest.approx({("00001", "A"): 280, ("00002", "A"): 120, ("00002", "B"): 100})


def test_zones_may_overlap_and_have_parts_and_holes(tmp_path):
    path = write_class_map(tmp_path / "map.tif", np.full((10, 10), 4))
    ring = box(0, 10, 10, 0).difference(box(2, 8, 8, 2))
    pair = shapely.union(box(0, 1, 1, 0), box(8, 10, 10, 8))
    table = zonal_areas(path, zones_of(ring, pair), "code")
    assert as_dict(table) == {("00001", "4"): 6400, ("00002", "4"): 500}


def test_zones_of_one_name_add_up_and_those_outside_are_absent(tmp_path):
    path = write_class_map(tmp_path / "map.tif", np.full((4, 4), 1))
    zones = zones_of(box(0, 1, 1, 0), box(3, 4, 9, 3), box(20, 30, 30, 20), names=["a", "a", "b"])
    assert as_dict(zonal_areas(path, zones, "code")) == {("a", "1"): 200}


def test_zones_of_another_projection_are_reprojected(tmp_path):
    path = write_class_map(tmp_path / "map.tif", np.full((40, 40), 1))
    zones = zones_of(box(10, 30, 30, 10)).to_crs("EPSG:4326")
    assert as_dict(zonal_areas(path, zones, "code"))["00001", "1"] == pytest.approx(40_000, rel=0.02)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_shares_are_those_of_the_geometries_and_add_up_to_whole_cells(seed):
    random = np.random.default_rng(seed)
    corners = shapely.multipoints(random.random((12, 2)) * (500, 300) + (LEFT, TOP - 300))
    zones = shapely.get_parts(shapely.voronoi_polygons(corners, extend_to=box(0, 30, 50, 0)))
    zones = np.append(zones, shapely.difference(box(-3, 40, 60, -5), shapely.Point(LEFT + 250, TOP - 150).buffer(77)))
    kinds = np.arange(30 * 50, dtype=np.int32).reshape(30, 50)
    grid = Grid(50, 30, TEN_METRES, CRS.from_epsg(2154))
    counts = count_cells(kinds, 0, kinds.size, zone_edges(zones, grid))
    cells = np.array([box(column, row + 1, column + 1, row) for row in range(30) for column in range(50)])
    np.testing.assert_allclose(counts[:-1].sum(axis=0), 1, atol=1e-8)
    for zone in (0, len(zones) - 1):
        shares = shapely.area(shapely.intersection(zones[zone], cells)) / 100
        np.testing.assert_allclose(counts[zone], shares, atol=1e-8)


def test_small_zones_agree_with_exactextract(speckled):
    random = np.random.default_rng(5)
    centres = shapely.points(random.random((40, 2)) * (3900, 2900) + (LEFT + 50, TOP - 2950))
    zones = zones_of(*shapely.buffer(centres, random.random(40) * 30 + 3))
    mine = zonal_areas(speckled, zones, "code").groupby("zone").area_m2.sum()
    exact = exact_extract(str(speckled), zones, ["count"], include_cols="code", output="pandas").set_index("code")
    np.testing.assert_allclose(mine, exact["count"][mine.index] * 100, rtol=1e-3)


BOW_TIE = shapely.Polygon([(LEFT, TOP), (LEFT + 50, TOP - 50), (LEFT + 50, TOP), (LEFT, TOP - 50)])


def test_a_zone_that_crosses_itself_counts_the_ground_it_encloses(tmp_path):
    path = write_class_map(tmp_path / "map.tif", np.ones((9, 9)))
    assert as_dict(zonal_areas(path, zones_of(BOW_TIE), "code")) == {("00001", "1"): 1250}


def test_the_command_refuses_a_zone_that_crosses_itself_and_says_where(speckled, tmp_path, capsys):
    zones_of(box(0, 1, 1, 0), BOW_TIE).to_file(tmp_path / "zones.gpkg")
    words = ["zonal", speckled, tmp_path / "zones.gpkg", "--zone-field", "code", "--out", tmp_path / "t.csv"]
    assert main([str(word) for word in words]) == 2
    assert "zones.gpkg: row 2 crosses itself" in capsys.readouterr().err
    assert not (tmp_path / "t.csv").exists()


def test_the_command_says_which_zones_share_a_name_or_lie_outside(speckled, tmp_path, capsys):
    zones = zones_of(box(0, 1, 1, 0), box(2, 3, 3, 2), box(900, 903, 903, 900), names=["a", "a", "b"])
    zones.to_file(tmp_path / "zones.gpkg")
    words = ["zonal", speckled, tmp_path / "zones.gpkg", "--zone-field", "code", "--out", tmp_path / "t.csv"]
    assert main([str(word) for word in words]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["zones"], said["zone_names"], said["names_of_several_zones"]) == (3, 2, ["a"])
    assert said["zones_without_data"] == ["b"]


def test_strips_give_what_one_read_gives(speckled, monkeypatch):
    zones = zones_of(*(shapely.Point(LEFT + x, TOP - x / 2).buffer(600) for x in range(500, 3500, 200)))
    whole = zonal_areas(speckled, zones, "code")
    monkeypatch.setattr("ml.compute.zonal.CELLS_AT_ONCE", 400 * 7)
    assert zonal_areas(speckled, zones, "code").equals(whole)


def test_areas_of_large_zones_agree_with_exactextract(speckled):
    zones = zones_of(*(shapely.Point(LEFT + x, TOP - 1500).buffer(1200) for x in (1300, 2000, 2700)))
    mine = zonal_areas(speckled, zones, "code").groupby("zone").area_m2.sum()
    exact = exact_extract(str(speckled), zones, ["count"], include_cols="code", output="pandas")
    np.testing.assert_allclose(mine.to_numpy(), exact["count"] * 100, rtol=1e-3)


def test_areas_come_from_the_transform_of_the_raster(tmp_path):
    transform = Affine(9.9948, 0, LEFT, 0, -9.9974, TOP)
    path = write_class_map(tmp_path / "map.tif", [[1]], transform=transform)
    assert zonal_areas(path, zones_of(box(-1, 2, 2, -1)), "code").area_m2[0] == pytest.approx(9.9948 * 9.9974)


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        (zones_of(box(0, 1, 1, 0)).rename(columns={"code": "insee"}), "no column 'code'.*they have: insee"),
        (zones_of(box(0, 1, 1, 0), names=[None]), "Row 1 of the zones has no 'code'"),
        (zones_of(box(0, 1, 1, 0), crs=None), "no projection"),
        (zones_of(shapely.Point(0, 0)), "Row 1 of the zones is not a polygon"),
        (zones_of(box(0, 1, 1, 0)).iloc[:0], "have no row"),
    ],
)
def test_zones_that_cannot_be_used_are_refused(speckled, zones, message):
    with pytest.raises(ZoneError, match=message):
        zonal_areas(speckled, zones, "code")


def test_a_map_in_degrees_has_no_areas(tmp_path):
    path = write_class_map(tmp_path / "map.tif", [[1]], crs="EPSG:4326", transform=Affine(1, 0, 0, 0, -1, 45))
    with pytest.raises(RasterError, match="in degrees"):
        zonal_areas(path, zones_of(shapely.box(0, 44, 1, 45), crs="EPSG:4326"), "code")


@pytest.mark.shared
def test_areas_of_every_commune_agree_with_exactextract(tmp_path):
    communes = gpd.read_file(shared_path("data/territories") / "territories.gpkg", layer="commune").to_crs(LAMBERT_93)
    west, south, east, north = communes.total_bounds
    shape = int((north - south) // 250) + 2, int((east - west) // 250) + 2
    transform = Affine(250, 0, west - 7, 0, -250, north + 9)
    path = write_class_map(tmp_path / "map.tif", np.random.default_rng(2).integers(1, 9, shape), transform=transform)
    mine = zonal_areas(path, communes, "code").groupby("zone").area_m2.sum()
    exact = exact_extract(str(path), communes, ["count"], include_cols="code", output="pandas").set_index("code")
    assert len(mine) == len(communes)
    np.testing.assert_allclose(mine, exact["count"][mine.index] * 250**2, rtol=1e-3)
