import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.windows import Window

from ml.compute.errors import RasterError, StackError
from ml.compute.features import bind_recipe, feature_planes, has_data
from ml.compute.planes import borrow_from_neighbours, fill_series, local_texture, quantise, summarise
from ml.compute.recipes import HALO, Recipe, draw_recipe, survey_stack
from ml.compute.stacks import StackReader, open_stack
from tests.ml.compute.rasters import damage
from tests.ml.compute.tiny_regions import (
    DATES,
    HEIGHT,
    NODATA,
    TRANSFORM,
    WIDTH,
    write_stack_file,
    write_tiny_region,
)


@pytest.fixture
def region(tmp_path):
    return write_tiny_region(tmp_path / "tiny")


def test_a_stack_of_a_region_folder_takes_scale_and_nodata_from_region_toml(region):
    stack = open_stack(region.stack)
    assert [(series.name, len(series.bands)) for series in stack.series] == [("NDVI", 5), ("elevation", 1)]
    assert stack.base_year == 2024
    assert stack.days(stack.series[0]).tolist() == [69, 129, 179, 229, 289]
    with StackReader(stack) as reader:
        ndvi, relief = reader.read(Window(15, 0, 10, 4))
    assert -0.3 < np.nanmin(ndvi) < np.nanmax(ndvi) < 1.1
    assert np.isnan(ndvi[1, :, 5:]).all()
    assert not np.isnan(ndvi[0]).any()
    assert relief.dtype == np.float32


def test_scale_and_offset_come_from_the_tags_of_the_file(tmp_path):
    import rasterio

    path = write_stack_file(tmp_path / "b.tif", np.array([[[100, 200], [NODATA, 300]]], np.int16), ["2024-01-01_B08"])
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.01,), (-1.0,)
    with StackReader(open_stack([path])) as reader:
        values = reader.read(Window(0, 0, 2, 2))[0][0]
    np.testing.assert_allclose(values, [[0, 1], [np.nan, 2]], atol=1e-6)


def test_infinite_and_nan_values_are_missing_values(tmp_path):
    values = np.array([[[1.0, np.inf], [np.nan, -np.inf]]], np.float32)
    path = write_stack_file(tmp_path / "b.tif", values, ["slope"], nodata=None)
    with StackReader(open_stack([path])) as reader:
        assert np.isnan(reader.read(Window(0, 0, 2, 2))[0]).sum() == 3


def test_a_raster_of_another_grid_is_refused(region):
    other = write_stack_file(region.path / "other.tif", np.zeros((1, 9, 9), np.int16), ["soil"])
    with pytest.raises(StackError, match=r"other\.tif: not on the grid of .*9 x 9 cells instead of 60 x 50"):
        open_stack([*region.stack, other])
    turned = TRANSFORM @ TRANSFORM.rotation(10)
    write_stack_file(other, np.zeros((1, 9, 9), np.int16), ["soil"], transform=turned)
    with pytest.raises(RasterError, match="not north-up"):
        open_stack([other])


def test_a_band_given_twice_is_refused(region):
    with pytest.raises(StackError, match="repeats '2024-03-10_NDVI'"):
        open_stack([region.stack[0], region.stack[0]])
    with pytest.raises(StackError, match="no file"):
        open_stack([])


def test_a_damaged_raster_is_named(tmp_path):
    import rasterio

    path = tmp_path / "b.tif"
    noise = np.random.default_rng(0).integers(0, 9999, (1, 300, 300)).astype(np.int16)
    profile = {"driver": "GTiff", "count": 1, "height": 300, "width": 300, "dtype": "int16", "crs": "EPSG:2154"}
    with rasterio.open(path, "w", transform=TRANSFORM, nodata=-1, compress="deflate", tiled=True, **profile) as t:
        t.write(noise)
    stack = open_stack([damage(path)])
    with StackReader(stack) as reader, pytest.raises(StackError, match=r"b\.tif: damaged"):
        reader.read(Window(0, 0, 300, 300))


def test_empty_dates_are_dropped_and_the_recipe_survives_json(region):
    stack = open_stack(region.stack)
    surveys = survey_stack(stack)
    assert surveys["NDVI"].usable.tolist() == [0, 1, 2, 4]
    recipe = draw_recipe(stack, surveys)
    assert {"NDVI.median", "NDVI.0", "elevation.0", "NDVI.mean.deviation7x7"} <= {f.label for f in recipe.features}
    assert Recipe.from_json(recipe.as_json()) == recipe


def test_indices_are_made_of_the_bands_they_need(tmp_path):
    names = [f"{date}_{band}" for date in DATES[:2] for band in ("B03", "B04", "B08", "B11")]
    bands = np.random.default_rng(0).integers(1, 9000, (8, 12, 12)).astype(np.int16)
    stack = open_stack([write_stack_file(tmp_path / "s2.tif", bands, names)])
    recipe = draw_recipe(stack, survey_stack(stack))
    assert [index.name for index in recipe.indices] == ["NDVI", "NDWI", "NDMI", "NGRDI"]
    planes = dict(planes_of(stack, Window(0, 0, 12, 12)))
    red, nir = bands[1].astype(float), bands[2].astype(float)
    place = [feature.label for feature in recipe.features].index("NDVI.0")
    np.testing.assert_allclose(planes[place], ((nir - red) / (nir + red)).ravel(), atol=1e-5)


def test_a_long_series_is_resampled_to_regular_steps(tmp_path):
    days = np.arange(60)
    names = [f"2024-{1 + d // 28:02d}-{1 + d % 28:02d}_NDVI" for d in days]
    bands = np.broadcast_to(days[:, None, None], (60, 4, 4)).astype(np.int16)
    stack = open_stack([write_stack_file(tmp_path / "long.tif", bands, names)])
    recipe = draw_recipe(stack, survey_stack(stack))
    assert len(recipe.series[0].targets) == 24


def planes_of(stack, window):
    surveys = survey_stack(stack)
    recipe = draw_recipe(stack, surveys)
    sources = bind_recipe(recipe, stack, surveys)
    with StackReader(stack) as reader:
        return [(place, plane.copy()) for place, plane in feature_planes(reader.read(window), recipe, sources)]


def test_a_cell_has_the_same_features_in_every_window(region):
    stack = open_stack(region.stack)
    whole = planes_of(stack, Window(0, 0, WIDTH, HEIGHT))
    window = stack.grid.padded(Window(24, 16, 8, 8), HALO)
    for (_, full), (_, cut) in zip(whole, planes_of(stack, window), strict=True):
        inner = cut.reshape(int(window.height), -1)[HALO : HALO + 8, HALO : HALO + 8]
        np.testing.assert_array_equal(full.reshape(HEIGHT, WIDTH)[16:24, 24:32], inner)


def test_no_feature_is_missing_even_where_nothing_was_seen(tmp_path):
    bands = np.full((3, 20, 20), NODATA, np.int16)
    bands[:, :8, :8] = 100
    stack = open_stack([write_stack_file(tmp_path / "b.tif", bands, [f"{date}_B08" for date in DATES[:3]])])
    planes = planes_of(stack, Window(0, 0, 20, 20))
    assert all(not np.isnan(plane).any() for _, plane in planes)
    surveys = survey_stack(stack)
    sources = bind_recipe(draw_recipe(stack, surveys), stack, surveys)
    with StackReader(stack) as reader:
        assert has_data(reader.read(Window(0, 0, 20, 20)), sources).sum() == 64


def test_a_stack_without_any_data_is_refused(tmp_path):
    bands = np.full((1, 5, 5), NODATA, np.int16)
    stack = open_stack([write_stack_file(tmp_path / "b.tif", bands, ["2024-01-01_B08"])])
    with pytest.raises(StackError, match="no data found"):
        survey_stack(stack)


series = arrays(np.float32, (6, 4), elements=st.floats(-1, 1, width=32) | st.just(np.nan))


@settings(max_examples=60, deadline=None)
@given(series)
def test_gaps_are_filled_as_numpy_interpolates_them(values):
    days = np.array([3, 10, 11, 40, 90, 200], np.float32)
    targets = np.array([0, 3, 25, 90, 150, 300], np.float32)
    filled = fill_series(values, days, targets)
    for cell in range(values.shape[1]):
        valid = ~np.isnan(values[:, cell])
        if valid.any():
            expected = np.interp(targets, days[valid], values[valid, cell])
            np.testing.assert_allclose(filled[:, cell], expected, atol=1e-5)
        else:
            assert np.isnan(filled[:, cell]).all()


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(3, 9), st.integers(1, 300)), elements=st.floats(-1, 1, width=32)))
def test_statistics_over_time_are_those_of_numpy(values):
    summary = summarise(values)
    quartiles = np.percentile(values, [0, 25, 50, 75, 100], axis=0)
    expected = [values.mean(0), values.std(0), *quartiles, np.ptp(values, axis=0)]
    np.testing.assert_allclose(summary, expected, atol=1e-5)


def test_a_missing_cell_borrows_from_neighbours_then_from_the_scene():
    filled = np.full((1, 100), np.nan, np.float32)
    filled[0, [0, 1]] = (2, 4)
    borrow_from_neighbours(filled, (10, 10), 2, np.array([9], np.float32))
    plane = filled.reshape(10, 10)
    assert plane[1, 1] == 3
    assert plane[2, 3] == 4
    assert plane[9, 9] == 9


def test_texture_is_the_mean_and_deviation_of_a_square():
    plane = np.arange(35, dtype=np.float32)
    texture = local_texture(plane, (5, 7), 1).reshape(2, 5, 7)
    square = plane.reshape(5, 7)[1:4, 2:5]
    np.testing.assert_allclose(texture[:, 2, 3], [square.mean(), square.std()], rtol=1e-5)
    corner = plane.reshape(5, 7)[:2, :2]
    np.testing.assert_allclose(texture[:, 0, 0], [corner.mean(), corner.std()], rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, 50, elements=st.floats(-1e6, 1e6, width=32)))
def test_levels_keep_the_order_of_values(values):
    levels = np.empty(50, np.int16)
    low, high = float(values.min()), float(values.max())
    width = (high - low) / 65533 if high > low else 1.0
    quantise(values, np.arange(50), low, width, levels)
    assert (np.diff(levels[np.argsort(values, kind="stable")].astype(int)) >= 0).all()
    assert levels.max() <= 32766
