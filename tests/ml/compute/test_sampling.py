import json

import numpy as np
import pytest
from rasterio.windows import Window

from ml.compute.errors import AuditError
from ml.compute.sampling import (
    SMALL_STRATA,
    allocate,
    canonical_text,
    draw_from_classes,
    draw_from_stack,
    hash_text,
)
from ml.compute.stacks import open_stack
from ml.compute.strata import cells_with_data, strata_of_classes
from tests.ml.compute.rasters import write_class_map
from tests.ml.compute.tiny_regions import NODATA, write_stack_file, write_tiny_region

PUBLISHED = "4cdb7d0bf8dce117a7429193b06635bce95a56f90491148aa9c55bf2000e1538"
CODES = {"1": "E1.2", "2": "G1.7", "3": "J2"}


@pytest.fixture
def classes(tmp_path):
    """200 x 300 cells: 1 on half of it, 2 on most of the rest, 3 on 2 %, a frame without data."""
    values = np.ones((200, 300), np.uint16)
    values[:, 150:] = 2
    values[:20, :60] = 3
    values[190:] = 0
    return write_class_map(tmp_path / "classes.tif", values, codes=CODES)


def test_the_same_seed_and_raster_give_the_same_points(classes):
    first, second, other = (draw_from_classes(classes, size=120, seed=seed) for seed in (4, 4, 5))
    assert first == second
    assert {(point.x, point.y) for point in first.points} != {(point.x, point.y) for point in other.points}


def test_a_draw_is_the_one_of_every_machine(classes):
    """Points that other people's machines drew: a change here breaks every hash published before."""
    draw = draw_from_classes(classes, size=60, seed=2024)
    assert hash_text(canonical_text(draw, {"year": 2024})) == PUBLISHED


def test_the_order_of_reading_does_not_matter(classes, monkeypatch):
    whole = draw_from_classes(classes, size=120, seed=4)
    monkeypatch.setattr("ml.compute.strata.STRIP_ROWS", 7)
    assert draw_from_classes(classes, size=120, seed=4) == whole


def test_the_secret_half_of_the_seed_changes_the_points(classes):
    assert draw_from_classes(classes, size=60, seed=4) != draw_from_classes(classes, size=60, seed=4, secret="abc")


def test_points_are_centres_of_cells_with_data_and_never_twice_the_same(classes):
    draw = draw_from_classes(classes, size=900, seed=1)
    places = {(point.x, point.y) for point in draw.points}
    assert len(places) == len(draw.points) == 900
    assert all((x - 700_005) % 10 == 0 and (6_299_995 - y) % 10 == 0 for x, y in places)
    assert all(y > 6_300_000 - 1900 for _x, y in places)


def test_a_point_says_the_class_of_its_cell_and_its_probability(classes):
    draw = draw_from_classes(classes, size=120, seed=3)
    assert draw.cells == {"E1.2": 27_300, "G1.7": 28_500, "J2": 1_200}
    assert draw.areas == {code: count * 100.0 for code, count in draw.cells.items()}
    assert {strata_of_classes(classes).name_of(value) for value in (1, 2, 3)} == set(draw.cells)
    for point in draw.points:
        column, row = (point.x - 700_000) // 10, (6_300_000 - point.y) // 10
        expected = "J2" if row < 20 and column < 60 else "E1.2" if column < 150 else "G1.7"
        assert point.stratum == expected
        assert point.inclusion_probability == draw.sizes[expected] / draw.cells[expected]


def test_a_number_says_nothing_of_the_stratum(classes):
    draw = draw_from_classes(classes, size=900, seed=1)
    assert [point.number for point in draw.points] == list(range(1, 901))
    rare = np.array([point.stratum == "J2" for point in draw.points])
    assert rare.sum() > 100
    assert np.flatnonzero(rare).mean() == pytest.approx(450, abs=60)


def test_each_cell_of_a_stratum_is_as_likely_as_another(tmp_path):
    small = write_class_map(tmp_path / "small.tif", np.ones((5, 8), np.uint16))
    counts = np.zeros(40)
    for seed in range(2000):
        for point in draw_from_classes(small, size=10, seed=seed).points:
            counts[int((6_300_000 - point.y) // 10 * 8 + (point.x - 700_000) // 10)] += 1
    expected = 2000 * 10 / 40
    # 39 degrees of freedom, times the share of cells left out by a draw without replacement.
    chi_square = ((counts - expected) ** 2 / expected).sum() / (1 - 10 / 40)
    assert 15 < chi_square < 75


def test_classes_of_few_cells_are_one_stratum(tmp_path):
    values = np.ones((100, 100), np.uint16)
    values[0, :9], values[1, :9], values[2, :4] = 2, 3, 4
    draw = draw_from_classes(write_class_map(tmp_path / "c.tif", values), size=100, seed=0)
    assert draw.cells == {"1": 9978, SMALL_STRATA: 22}
    assert draw.sizes[SMALL_STRATA] >= 15


def test_a_few_odd_cells_join_the_smallest_stratum(tmp_path):
    values = np.ones((100, 100), np.uint16)
    values[:10], values[99, :2] = 2, 3
    assert draw_from_classes(write_class_map(tmp_path / "c.tif", values), size=100, seed=0).cells == {
        "1": 8998,
        "2": 1002,
    }


def test_the_rare_get_more_than_their_share_and_the_large_still_most():
    points = allocate({"wood": 90_000, "field": 9_900, "bog": 100}, size=300, fewest=15, equal_share=0.5)
    assert sum(points.values()) == 300
    assert points == {"wood": 185, "field": 65, "bog": 50}
    assert allocate({"wood": 90_000, "bog": 20}, size=300, fewest=15, equal_share=0.5) == {"wood": 280, "bog": 20}


def test_a_minimum_that_the_size_cannot_pay_is_lowered():
    cells = {str(place): 1000 * (place + 1) for place in range(20)}
    points = allocate(cells, size=100, fewest=15, equal_share=0.5)
    assert sum(points.values()) == 100
    assert min(points.values()) >= 2
    assert points["19"] > points["0"]


@pytest.mark.parametrize(("size", "words"), [(5, "6 points or more"), (10_000, "only 3000 cells")])
def test_too_few_or_too_many_points_are_refused_with_the_way_out(size, words):
    with pytest.raises(AuditError, match=words):
        allocate({"a": 1000, "b": 1000, "c": 1000}, size=size, fewest=15, equal_share=0.5)


def test_a_map_without_data_is_refused(tmp_path):
    empty = write_class_map(tmp_path / "c.tif", np.zeros((10, 10), np.uint16))
    with pytest.raises(AuditError, match="nothing to draw from"):
        draw_from_classes(empty, size=10, seed=0)


def test_without_a_map_blocks_spread_the_points_over_the_ground(tmp_path):
    values = np.full((2, 120, 120), 500, np.int16)
    values[:, :60] = NODATA
    values[1, :70] = 500
    stack = write_stack_file(tmp_path / "a.tif", values, ["2024-05-01_NDVI", "2024-06-01_NDVI"])
    draw = draw_from_stack([stack], size=80, seed=1)
    assert draw.strata == "blocks"
    assert sum(draw.cells.values()) == 120 * 120
    assert len(draw.sizes) > 8
    shares = [point.inclusion_probability for point in draw.points]
    assert max(shares) < 2 * min(shares)


def test_cells_that_no_date_shows_are_not_drawn(tmp_path):
    region = write_tiny_region(tmp_path)
    ndvi = next(path for path in region.stack if path.name == "ndvi.tif")
    seen = cells_with_data(open_stack(region.stack), Window(0, 0, 60, 50))
    assert seen.all()
    values = np.full((1, 50, 60), 500, np.int16)
    values[0, :25] = NODATA
    write_stack_file(ndvi, values, ["2024-05-01_NDVI"])
    draw = draw_from_stack(region.stack, size=60, seed=1)
    assert sum(draw.cells.values()) == 25 * 60
    assert all(point.y < 6_300_000 - 250 for point in draw.points)


def test_few_points_are_drawn_over_the_whole_at_once(tmp_path):
    region = write_tiny_region(tmp_path)
    draw = draw_from_stack(region.stack, size=20, seed=1)
    assert draw.sizes == {"whole": 20}


def test_the_canonical_text_is_what_is_published_and_can_be_read_back(classes):
    draw = draw_from_classes(classes, size=20, seed=9)
    document = json.loads(canonical_text(draw, {"seed": 9, "région": "Pays d'essai"}))
    assert document["seed"] == 9
    assert document["points"][0] == [
        1,
        f"{draw.points[0].x:.1f}",
        f"{draw.points[0].y:.1f}",
        draw.points[0].stratum,
        f"{draw.points[0].inclusion_probability:.12g}",
    ]
    moved = canonical_text(draw, {"seed": 10, "région": "Pays d'essai"})
    assert hash_text(moved) != hash_text(canonical_text(draw, {"seed": 9, "région": "Pays d'essai"}))
