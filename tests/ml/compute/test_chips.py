import datetime
import io

import numpy as np
import pytest
from affine import Affine
from PIL import Image
from shapely.geometry import MultiPolygon, box

from ml.compute.chips import render_chips
from ml.compute.errors import StackError
from tests.ml.compute.rasters import shared_path
from tests.ml.compute.tiny_regions import CELL, TRANSFORM, write_stack_file, write_tiny_region

SIZE = 128
YELLOW = (255, 221, 64)


def write_images(path, *, dates=("2024-03-10", "2024-06-28"), bands=("B02", "B03", "B04", "B08"), side=60, **options):
    """A field that is dark at the first date and bright at the second, with a cloud at the first."""
    values = np.zeros((len(dates) * len(bands), side, side), np.int16)
    for place in range(len(values)):
        values[place] = 1000 + 4000 * (place // len(bands)) + 50 * np.arange(side)
    values[: len(bands), :, : side // 3] = -32768
    return write_stack_file(path, values, [f"{date}_{band}" for date in dates for band in bands], **options)


def at(column, row):
    """The middle of a cell."""
    return dict(zip("xy", TRANSFORM @ (column + 0.5, row + 0.5), strict=True))


def pixels(chip):
    return np.asarray(Image.open(io.BytesIO(chip.png)).convert("RGB")).astype(int)


@pytest.fixture
def images(tmp_path):
    return [write_images(tmp_path / "s2.tif")]


def test_each_date_has_its_true_and_its_false_colours(images):
    chips = render_chips(images, **at(40, 30), half_side_m=100, size_px=SIZE)
    assert [(chip.date, chip.name, chip.bands) for chip in chips] == [
        (datetime.date(2024, 3, 10), "true_colour", ("B04", "B03", "B02")),
        (datetime.date(2024, 3, 10), "false_colour", ("B08", "B04", "B03")),
        (datetime.date(2024, 6, 28), "true_colour", ("B04", "B03", "B02")),
        (datetime.date(2024, 6, 28), "false_colour", ("B08", "B04", "B03")),
    ]
    assert {Image.open(io.BytesIO(chip.png)).size for chip in chips} == {(SIZE, SIZE)}


def test_one_contrast_serves_all_dates(images):
    early, _, late, _ = render_chips(images, **at(45, 30), half_side_m=100, size_px=SIZE)
    assert pixels(late)[:20].mean() > pixels(early)[:20].mean() + 100


def test_what_no_image_shows_is_hatched_and_its_share_is_said(images):
    chip = render_chips(images, **at(20, 30), half_side_m=100, size_px=SIZE)[0]
    assert chip.hidden_share == pytest.approx(0.48, abs=0.05)
    hidden = pixels(chip)[:, : SIZE // 3]
    assert {tuple(colour) for colour in hidden[:20].reshape(-1, 3)} == {(205, 205, 205), (165, 165, 165)}


def test_a_date_that_shows_nothing_of_the_place_is_left_out(images):
    dates = {chip.date for chip in render_chips(images, **at(8, 30), half_side_m=50, size_px=SIZE)}
    assert dates == {datetime.date(2024, 6, 28)}


def test_the_same_place_gives_the_same_bytes(images):
    first, second = (render_chips(images, **at(40, 30), half_side_m=80, size_px=SIZE) for _time in range(2))
    assert [chip.png for chip in first] == [chip.png for chip in second]


def test_a_ring_marks_the_cell_and_leaves_it_to_be_seen(images):
    picture = pixels(render_chips(images, **at(40, 30), half_side_m=100, size_px=SIZE)[2])
    marked = np.argwhere(np.abs(picture - YELLOW).sum(axis=-1) < 90)
    assert len(marked)
    distances = np.hypot(*(marked - SIZE / 2 + 0.5).T)
    assert distances.min() > SIZE / 200 * CELL
    assert distances.max() < SIZE / 200 * CELL * 2.5


def test_an_outline_is_drawn_where_it_stands(images):
    centre = at(40, 30)
    x, y = centre["x"], centre["y"]
    shape = MultiPolygon([box(x - 50, y - 50, x + 50, y + 50)])
    picture = pixels(render_chips(images, **centre, half_side_m=100, size_px=SIZE, outline=shape)[2])
    rows, columns = np.argwhere(np.abs(picture - YELLOW).sum(axis=-1) < 90).T
    assert (columns.min(), rows.min()) == pytest.approx((SIZE / 4, SIZE / 4), abs=2)
    assert (columns.max(), rows.max()) == pytest.approx((3 * SIZE / 4, 3 * SIZE / 4), abs=2)


def test_a_region_of_one_index_is_shown_in_grey_and_says_so(tmp_path):
    region = write_tiny_region(tmp_path)
    chips = render_chips(region.stack, **at(5, 10), half_side_m=100, size_px=SIZE)
    assert {(chip.name, chip.bands) for chip in chips} == {("grey", ("NDVI",))}
    assert len(chips) == 4  # the fifth date is all cloud
    upper = pixels(chips[0])[:30]
    assert (upper[..., 0] == upper[..., 1]).all()


def test_predictors_without_dates_make_one_picture(tmp_path):
    rng = np.random.default_rng(0)
    stack = write_stack_file(tmp_path / "a.tif", rng.normal(0, 9, (3, 40, 40)).astype(np.float32), ["x", "y", "z"])
    (chip,) = render_chips([stack], **at(20, 20), half_side_m=100, size_px=SIZE)
    assert (chip.date, chip.name, chip.bands) == (None, "three_bands", ("x", "y", "z"))


def test_a_place_at_the_edge_is_shown_with_what_lies_outside_hatched(images):
    chips = render_chips(images, **at(59, 0), half_side_m=100, size_px=SIZE)
    assert chips[0].hidden_share == pytest.approx(0.7, abs=0.05)


def test_a_place_outside_the_stack_is_refused_with_words(images):
    with pytest.raises(StackError, match="outside the stack"):
        render_chips(images, **at(200, 30), half_side_m=100, size_px=SIZE)


def test_cells_that_are_not_square_keep_the_ground_square(tmp_path):
    """Cells twice as high as wide: a square of the ground is drawn as a square."""
    values = np.full((1, 40, 80), 500, np.int16)
    values[0, 10:20, 30:50] = 4000
    wide = Affine(5, 0, 700_000, 0, -10, 6_300_000)
    stack = write_stack_file(tmp_path / "a.tif", values, ["2024-05-01_NDVI"], transform=wide)
    (chip,) = render_chips([stack], x=700_200, y=6_299_850, half_side_m=100, size_px=SIZE)
    bright = np.argwhere(pixels(chip)[..., 0] > 200)
    height, width = np.ptp(bright, axis=0)
    assert height == pytest.approx(width, abs=3)
    assert width == pytest.approx(SIZE / 2, abs=4)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("region", "year", "x", "y", "name"),
    [
        ("rachel_carson", 2018, 353_000, 3_829_000, "true_colour"),
        ("slovenia", 2016, 465_700, 5_079_700, "grey"),
    ],
)
def test_real_stacks_are_shown(region, year, x, y, name):
    paths = sorted((shared_path("data/regions") / region / "stack" / str(year)).glob("*.tif"))
    chips = render_chips(paths, x=x, y=y, half_side_m=320, size_px=SIZE)
    assert chips[0].name == name
    assert np.ptp(pixels(chips[0])) > 100
