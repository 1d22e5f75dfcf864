import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import box

from ml.compute.predictors import layers, outputs
from ml.compute.predictors.errors import PredictorError
from tests.ml.compute.predictors.regions import GRID, NORTH, WEST, build, values, write_region, write_source
from tests.ml.compute.rasters import shared_path


@pytest.fixture
def region(tmp_path):
    return write_region(tmp_path / "region")


def test_climate_is_matched_by_name_and_keeps_its_values(region):
    ramp = np.linspace(-5, 20, 8, dtype=np.float32)[None].repeat(8, 0)
    present = write_source(
        region / "climate/now.tif", np.stack([ramp, 10 * ramp]), cell=100.0, names=["bio01", "bio12"]
    )
    other = write_source(
        region / "climate/later.tif", np.stack([10 * ramp, ramp]), cell=100.0, names=["bio12", "bio01"]
    )
    read = {}
    for path in (present, other):
        recipe = f'{GRID}[[layers]]\nfile = "climate.tif"\nsource = "climate/{path.name}"\n'
        build(region, recipe + 'bands = { warmth = "bio01", rain = "bio12" }\nunit = "mixed"\n')
        read[path.name] = values(region / "stack/2023/climate.tif")
    np.testing.assert_array_equal(read["now.tif"]["warmth"], read["later.tif"]["warmth"])
    assert read["now.tif"]["warmth"][20, 25] == pytest.approx(ramp[0, 2] + (ramp[0, 3] - ramp[0, 2]) * 0.05, abs=1e-3)
    np.testing.assert_allclose(read["now.tif"]["rain"], 10 * read["now.tif"]["warmth"], atol=0.02)


def test_soil_codes_are_never_mixed(region):
    codes = np.random.default_rng(2).choice([3, 7, 1200], (1, 240, 240)).astype(np.int32)
    write_source(region / "soil.tif", codes, cell=2.5, names=["unit"], nodata=0)
    recipe = GRID + '[[layers]]\nfile = "soil.tif"\nsource = "soil.tif"\nbands = ["unit"]\nkind = "category"\n'
    build(region, recipe)
    assert set(np.unique(values(region / "stack/2023/soil.tif")["unit"])) <= {3, 7, 1200}
    with pytest.raises(PredictorError, match="mixes codes"):
        build(region, recipe + 'resampling = "bilinear"\n')
    write_source(region / "soil.tif", codes * 100, cell=2.5, names=["unit"], nodata=0)
    with pytest.raises(PredictorError, match="the codes of 'unit' go from 300 to 120000"):
        build(region, recipe)


def test_nan_infinite_and_missing_values_have_no_data(region):
    bands = np.ones((1, 50, 60), np.float32)
    bands[0, 0, :3] = np.nan, np.inf, -np.inf
    bands[0, 1, 0] = -99
    write_source(region / "x.tif", bands, names=["x"], nodata=-99)
    build(region, GRID + '[[layers]]\nfile = "x_out.tif"\nsource = "x.tif"\nbands = ["x"]\nscale = 0.5\n')
    found = values(region / "stack/2023/x_out.tif")["x"]
    assert np.isnan(found[0, :3]).all()
    assert np.isnan(found[1, 0])
    assert (np.delete(found.ravel(), [0, 1, 2, 60]) == 1).all()


@pytest.mark.parametrize("cell", [10.0, 2.5, 100.0])
def test_a_band_without_data_does_not_borrow_it_from_another(region, cell):
    rows, columns = round(500 / cell), round(600 / cell)
    bands = np.full((2, rows, columns), 7, np.int16)
    bands[0, :, : columns // 2] = -32768
    write_source(region / "x.tif", bands, cell=cell, names=["half", "whole"], nodata=-32768)
    build(region, GRID + '[[layers]]\nfile = "x_out.tif"\nsource = "x.tif"\nbands = ["half", "whole"]\n')
    found = values(region / "stack/2023/x_out.tif")
    np.testing.assert_allclose(found["whole"], 7, atol=1e-3)
    assert np.isnan(found["half"][:, :24]).all()
    np.testing.assert_allclose(found["half"][:, 36:], 7, atol=1e-3)


@pytest.mark.parametrize("low_high", [(0, 1), (-3, 25), (0, 65_000), (100_000, 100_010), (5, 5), (-2e-4, 3e-4)])
def test_levels_hold_any_range_of_a_quantity(low_high):
    scale = layers.quiet_scale(*low_high)
    offset = layers.quiet_offset(*low_high, scale)
    band = outputs.OutputBand("x", scale, offset)
    ends = np.array(low_high, np.float64)
    found = outputs.to_values(outputs.to_levels(ends.astype(np.float32), band), band)
    np.testing.assert_allclose(found, ends, atol=max(scale, 1e-7 * abs(ends).max()))


def test_a_missing_band_names_those_that_are_there(region):
    write_source(region / "c.tif", np.ones((2, 50, 60), np.float32), names=["bio01", "bio12"])
    recipe = GRID + '[[layers]]\nfile = "c_out.tif"\nsource = "c.tif"\nbands = ["bio02"]\n'
    with pytest.raises(PredictorError, match=r"no band 'bio02'; it has bio01, bio12"):
        build(region, recipe)


def write_geology(region, units, *, crs="EPSG:2154"):
    """Two halves of the region and a stripe outside."""
    shapes = [box(WEST, NORTH - 500, WEST + 300, NORTH), box(WEST + 300, NORTH - 500, WEST + 500, NORTH)]
    frame = gpd.GeoDataFrame({"unit": units}, geometry=shapes, crs="EPSG:2154").to_crs(crs)
    frame.to_file(region / "geology.gpkg", layer="geology")


GEOLOGY = GRID + '[[polygons]]\nfile = "geology.tif"\nsource = "geology.gpkg"\nfield = "unit"\n'


@pytest.mark.parametrize("crs", ["EPSG:2154", "EPSG:4326"])
def test_geology_drawn_as_polygons_is_burnt_by_its_codes(region, crs):
    write_geology(region, ["marne", "calcaire"], crs=crs)
    build(region, GEOLOGY)
    path = region / "stack/2023/geology.tif"
    codes = values(path)["unit"]
    assert (set(codes[:, :29].ravel()), set(codes[:, 31:49].ravel())) == ({2}, {1})
    assert np.isnan(codes[:, 51:]).all()
    with rasterio.open(path) as source:
        assert json.loads(source.tags()["CLASSES"]) == {"1": "calcaire", "2": "marne"}


def test_polygons_may_hold_a_quantity(region):
    write_geology(region, [6.25, 7.5])
    build(region, GEOLOGY + 'kind = "continuous"\nname = "ph"\n')
    found = values(region / "stack/2023/geology.tif")["ph"]
    np.testing.assert_allclose((found[0, 0], found[0, 40]), (6.25, 7.5), atol=1e-3)


def test_polygons_without_the_field_or_elsewhere_are_said(region):
    write_geology(region, ["marne", "calcaire"])
    with pytest.raises(PredictorError, match=r"no field 'code'; it has unit"):
        build(region, GEOLOGY.replace('"unit"', '"code"'))
    with pytest.raises(PredictorError, match="holds text"):
        build(region, GEOLOGY + 'kind = "continuous"\n')
    with pytest.raises(PredictorError, match="0 files are called"):
        build(region, GEOLOGY.replace("geology.gpkg", "soil.gpkg"))
    with pytest.raises(PredictorError, match="lies on the region"):
        build(region, GEOLOGY.replace("[700000, 6299500, 700600, 6300000]", "[710000, 6299500, 710600, 6300000]"))


@pytest.mark.shared
def test_real_climates_are_matched_by_name_though_their_order_differs(tmp_path):
    folder = shared_path("data/climate_iberia")
    region = write_region(tmp_path / "iberia", epsg=32630, resolution=10_000.0)
    for scenario in ("current", "ssp245_2090"):
        source = next((folder / scenario).glob("*.tif"))
        with rasterio.open(source) as opened:
            names = list(opened.descriptions)[:2]
        recipe = "[grid]\nbounds = [200000, 4200000, 800000, 4700000]\n[[layers]]\nfile = 'climate.tif'\n"
        build(region, recipe + f"source = '{source}'\nbands = {names}\n")
        found = values(region / "stack/2023/climate.tif")
        assert list(found) == names
        assert all(np.isfinite(plane).mean() > 0.9 for plane in found.values())
