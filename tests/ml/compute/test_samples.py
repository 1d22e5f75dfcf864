import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from shapely.geometry import Point, box

from ml.compute.errors import SampleError
from ml.compute.grids import Grid
from ml.compute.samples import (
    assign_splits,
    cells_of_samples,
    learning_cells,
    read_sample_file,
    split_at,
    thinned_place,
    training_rows,
)
from tests.ml.compute.tiny_regions import TRANSFORM

GRID = Grid(40, 30, TRANSFORM, CRS.from_epsg(2154))


def place(column, row):
    return TRANSFORM @ (column, row)


def square(left, top, right, bottom):
    west, north = place(left, top)
    east, south = place(right, bottom)
    return box(west, south, east, north)


def samples_of(geometries, codes=None, splits=None):
    count = len(geometries)
    columns = {"code": codes or ["A"] * count, "split": splits or [""] * count}
    return gpd.GeoDataFrame(columns, geometry=geometries, crs=2154)


def test_a_cell_belongs_to_the_polygon_that_holds_its_centre():
    cells = cells_of_samples(samples_of([square(2.4, 3.4, 5.6, 4.6)]), GRID)
    found = set(zip(cells.rows.tolist(), cells.columns.tolist(), strict=True))
    assert found == {(row, column) for row in (3, 4) for column in (2, 3, 4, 5)}


def test_a_point_stands_for_its_cell_and_one_off_the_grid_for_none():
    cells = cells_of_samples(samples_of([Point(place(7.2, 5.9)), Point(place(-3, 2))]), GRID)
    assert (cells.rows.tolist(), cells.columns.tolist(), cells.samples.tolist()) == ([5], [7], [0])


def test_only_interior_cells_are_learned_where_there_are_enough():
    large, small, sliver = square(0, 0, 6, 6), square(10, 10, 12, 12), square(20.1, 20.1, 20.3, 20.3)
    cells = learning_cells(samples_of([large, small, sliver]), GRID)
    assert np.bincount(cells.samples).tolist() == [36, 4, 1]
    ragged = square(0.3, 0.3, 6.3, 6.3)
    inner = learning_cells(samples_of([ragged]), GRID)
    assert inner.rows.min() == 1
    assert inner.rows.size == 25


def test_a_block_that_holds_a_test_sample_is_closed_to_training():
    points = [Point(place(column, 1)) for column in (1, 2, 3, 25, 26)]
    samples = samples_of(points, splits=["test", "", "train", "", "train"])
    assert training_rows(samples, 200).tolist() == [False, False, True, True, True]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 39), st.floats(0, 29), st.sampled_from("ABC")), min_size=2, max_size=30),
    st.integers(0, 99),
)
def test_a_block_is_wholly_for_training_or_for_testing(rows, seed):
    samples = samples_of([Point(place(x, y)) for x, y, _ in rows], [code for *_, code in rows])
    splits = np.array(assign_splits(samples, block_m=100, seed=seed))
    points = samples.geometry
    blocks = [f"{x // 100}:{y // 100}" for x, y in zip(points.x, points.y, strict=True)]
    for block in set(blocks):
        assert len(set(splits[np.array(blocks) == block])) == 1
    for code in set(samples["code"]):
        assert "train" in splits[(samples["code"] == code).to_numpy()]


def test_the_draw_of_a_block_stays_when_samples_are_added():
    rng = np.random.default_rng(0)
    points = [Point(place(*xy)) for xy in rng.uniform(0, 29, (200, 2))]
    few, many = samples_of(points[:100]), samples_of(points)
    assert assign_splits(many, block_m=50, seed=3)[:100] == assign_splits(few, block_m=50, seed=3)
    assert 0.1 < assign_splits(many, block_m=50, seed=3).count("test") / 200 < 0.5


def test_a_written_split_wins():
    samples = samples_of([Point(place(x, x)) for x in range(20)], splits=["train", "test"] * 10)
    assert assign_splits(samples, block_m=50, seed=0) == ["train", "test"] * 10


def test_codes_that_a_table_turned_into_numbers_are_read_as_written(tmp_path):
    frame = gpd.GeoDataFrame({"habitat": [2100.0, 31.0]}, geometry=[Point(0, 0), Point(1, 1)], crs=2154)
    frame.to_file(tmp_path / "s.gpkg", layer="anything")
    samples = read_sample_file(tmp_path / "s.gpkg", field="habitat")
    assert samples["code"].tolist() == ["2100", "31"]
    assert samples["split"].tolist() == ["", ""]


def test_an_empty_or_unreadable_file_is_refused(tmp_path):
    (tmp_path / "s.gpkg").write_bytes(b"nothing")
    with pytest.raises(SampleError, match=r"s\.gpkg: not readable"):
        read_sample_file(tmp_path / "s.gpkg", field="code")
    with pytest.raises(SampleError, match=r"t\.gpkg: the file is missing"):
        read_sample_file(tmp_path / "t.gpkg", field="code")


def known_of(geometries, splits, written=False):
    return samples_of(geometries, splits=splits).assign(written=written)


def test_one_more_sample_goes_the_way_of_its_block():
    tested, trained = Point(place(1, 1)), Point(place(21, 1))
    known = known_of([tested, trained], ["test", "train"])
    for seed in range(20):
        assert split_at(Point(place(3, 1)), known, block_m=200, seed=seed) == "test"
        assert split_at(Point(place(22, 1)), known, block_m=200, seed=seed) == "train"


def test_one_more_sample_in_an_empty_block_is_drawn_as_all_are():
    points = [Point(place(x, y)) for x in range(0, 40, 5) for y in range(0, 30, 5)]
    nothing = known_of([], [])
    alone = [split_at(point, nothing, block_m=50, seed=3) for point in points]
    assert alone == assign_splits(samples_of(points), block_m=50, seed=3)


def test_a_place_that_overlaps_a_test_sample_never_trains():
    known = known_of([square(1, 1, 12, 3), square(8, 1, 9, 2)], ["test", "train"])
    assert split_at(square(11, 2, 14, 4), known, block_m=100, seed=0) == "test"


def test_a_written_test_sample_closes_every_block_it_touches():
    known = known_of([square(1, 1, 12, 3)], ["test"], written=True)
    assert all(split_at(Point(place(18, 8)), known, block_m=100, seed=seed) == "test" for seed in range(20))


def test_a_large_place_teaches_with_so_many_points_inside_it_and_a_small_one_as_it_is():
    large, small = box(0, 0, 1000, 1000), box(0, 0, 40, 40)
    points = thinned_place(large, cell_m=10, most=25)
    assert len(points.geoms) == 25
    assert all(large.buffer(-4).contains(point) for point in points.geoms)
    assert points.equals(thinned_place(large, cell_m=10, most=25))
    assert thinned_place(small, cell_m=10, most=25) is small
