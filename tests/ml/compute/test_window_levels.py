import numpy as np
import pytest
from rasterio.windows import Window

from ml.compute.extraction import extract_features
from ml.compute.features import Levels, bind_recipe
from ml.compute.recipes import Recipe, draw_plain_recipe, survey_stack
from ml.compute.stacks import StackReader, open_stack
from ml.compute.views import SQUARES, unlabelled_places
from ml.compute.window_levels import LevelMaker
from tests.ml.compute.tiny_regions import HEIGHT, NODATA, WIDTH, write_stack_file, write_tiny_region


@pytest.fixture
def region(tmp_path):
    return write_tiny_region(tmp_path / "tiny")


def plain_maker(paths, recipe=None):
    stack = open_stack(paths)
    surveys = survey_stack(stack)
    recipe = recipe or draw_plain_recipe(stack, surveys)
    sources = bind_recipe(recipe, stack, surveys)
    everywhere = extract_features(stack, recipe, sources, np.arange(stack.grid.width * stack.grid.height))
    return LevelMaker(stack, recipe, sources, Levels.spanning(everywhere.values)), everywhere


def levels_of(maker, window):
    shape = (int(window.height), int(window.width))
    with StackReader(maker.stack, {source.place for source in maker.sources}) as reader:
        return maker.of_window(reader.read_stored(window), shape, (slice(None), slice(None)))


def test_the_short_way_gives_the_levels_of_the_long_one(region):
    maker, everywhere = plain_maker(region.stack)
    assert maker.recipe.is_plain
    made = levels_of(maker, Window(0, 0, WIDTH, HEIGHT))
    assert made.seen.all()
    np.testing.assert_array_equal(made.levels, maker.levels.of_cells(everywhere.values).T)


def test_a_missing_predictor_takes_the_usual_value_of_the_scene(tmp_path):
    bands = np.random.default_rng(0).integers(1, 100, (2, 8, 9)).astype(np.int16)
    bands[0, :2] = NODATA
    bands[:, 7, 8] = NODATA
    maker, everywhere = plain_maker([write_stack_file(tmp_path / "s.tif", bands, ["slope", "soil"])])
    made = levels_of(maker, Window(0, 0, 9, 8))
    assert made.seen.sum() == 71
    assert not made.seen[-1]
    np.testing.assert_array_equal(made.levels, maker.levels.of_cells(everywhere.values).T[:, :-1])
    assert np.unique(made.levels[0, :18]).size == 1


def test_nan_and_infinity_are_missing_on_the_short_way_too(tmp_path):
    values = np.random.default_rng(0).normal(0, 1, (1, 6, 6)).astype(np.float32)
    values[0, 0, :3] = (np.nan, np.inf, -np.inf)
    maker, _ = plain_maker([write_stack_file(tmp_path / "s.tif", values, ["slope"], nodata=None)])
    assert levels_of(maker, Window(0, 0, 6, 6)).seen.sum() == 33


def test_a_recipe_of_fewer_features_reads_fewer_series(region):
    maker, _ = plain_maker(region.stack)
    place = [feature.label for feature in maker.recipe.features].index("elevation.0")
    lean = maker.recipe.keeping([place])
    assert [series.name for series in lean.series] == ["elevation"]
    assert Recipe.from_json(lean.as_json()) == lean
    cut, everywhere = plain_maker(region.stack, lean)
    with StackReader(cut.stack, {source.place for source in cut.sources}) as reader:
        assert [len(planes) for planes in reader.read_stored(Window(0, 0, 4, 4))] == [0, 1]
    np.testing.assert_array_equal(
        levels_of(cut, Window(0, 0, WIDTH, HEIGHT)).levels, cut.levels.of_cells(everywhere.values).T
    )


def test_unlabelled_cells_are_drawn_in_squares_within_the_grid(region):
    grid = open_stack(region.stack).grid
    places = unlabelled_places(grid, 0)
    assert places.max() < WIDTH * HEIGHT
    assert np.unique(places).size == places.size
    assert SQUARES > 1
