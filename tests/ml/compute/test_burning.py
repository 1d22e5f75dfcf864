import numpy as np
import pytest
import rasterio
from shapely.geometry import box

from ml.compute.burning import Burn, BurnOutputs, burn_corrections
from ml.compute.class_rasters import open_class_map
from ml.compute.classmaps import class_codes
from ml.compute.errors import RasterError
from tests.ml.compute.rasters import write_class_map, write_raster

WEST, NORTH, CELL = 700_000, 6_300_000, 10
CODES = {"1": "A1", "2": "B1"}


def at(left, top, right, bottom):
    return box(WEST + left * CELL, NORTH - bottom * CELL, WEST + right * CELL, NORTH - top * CELL)


@pytest.fixture
def rasters(tmp_path):
    """A1 on the left, B1 on the right, one cell without data in the corner."""
    classes = np.repeat([[1] * 4 + [2] * 4], 6, axis=0)
    confidence = np.full((6, 8), 70)
    classes[0, 0], confidence[0, 0] = 0, 255
    return (
        write_class_map(tmp_path / "classes.tif", classes, codes=CODES, dtype="uint8"),
        write_raster(tmp_path / "confidence.tif", confidence, dtype="uint8", nodata=255),
    )


def burn(rasters, tmp_path, burns, **options):
    outputs = BurnOutputs(tmp_path / "burnt.tif", tmp_path / "sure.tif")
    changed = burn_corrections(*rasters, burns, outputs, **options)
    with rasterio.open(outputs.confidence) as source:
        return changed, open_class_map(outputs.classes).read(), source.read(1)


def test_only_the_cells_of_corrections_change(rasters, tmp_path):
    changed, classes, confidence = burn(rasters, tmp_path, [Burn(at(1, 1, 3, 3), "B1")])
    expected = open_class_map(rasters[0]).read()
    expected[1:3, 1:3] = 2
    assert (changed, (classes == expected).all()) == (4, True)
    assert (confidence == 100).sum() == 4
    assert (confidence[1:3, 1:3] == 100).all()


def test_a_cell_without_data_stays_without(rasters, tmp_path):
    _changed, classes, confidence = burn(rasters, tmp_path, [Burn(at(0, 0, 2, 2), "B1")])
    assert (classes[0, 0], confidence[0, 0]) == (0, 255)
    assert (classes[0, 1], confidence[0, 1]) == (2, 100)


def test_the_last_decision_wins(rasters, tmp_path):
    burns = [Burn(at(0, 0, 4, 6), "B1"), Burn(at(0, 0, 2, 6), "A1")]
    changed, classes, _confidence = burn(rasters, tmp_path, burns)
    assert changed == 12
    assert classes[3].tolist() == [1, 1, 2, 2, 2, 2, 2, 2]


def test_a_code_the_model_never_drew_gets_a_value_of_its_own_and_a_colour(rasters, tmp_path):
    with rasterio.open(rasters[0], "r+") as source:
        source.write_colormap(1, {0: (0, 0, 0, 0), 1: (255, 0, 0, 255), 2: (0, 255, 0, 255)})
    _changed, classes, _confidence = burn(rasters, tmp_path, [Burn(at(1, 1, 3, 3), "C1")], colors={"C1": "#0000ff"})
    assert class_codes(tmp_path / "burnt.tif") == {1: "A1", 2: "B1", 3: "C1"}
    assert classes[1, 1] == 3
    with rasterio.open(tmp_path / "burnt.tif") as source:
        palette = source.colormap(1)
    assert (palette[1][:3], palette[3][:3]) == ((255, 0, 0), (0, 0, 255))


def test_numbered_classes_keep_their_numbers(tmp_path):
    rasters = (
        write_class_map(tmp_path / "classes.tif", np.full((4, 4), 211), codes={"211": "211"}, dtype="uint16"),
        write_raster(tmp_path / "confidence.tif", np.full((4, 4), 50), dtype="uint8", nodata=255),
    )
    _changed, classes, _confidence = burn(rasters, tmp_path, [Burn(at(0, 0, 2, 2), "2110")])
    assert class_codes(tmp_path / "burnt.tif") == {211: "211", 2110: "2110"}
    assert classes[0, 0] == 2110


def test_without_corrections_the_raster_is_the_same(rasters, tmp_path):
    changed, classes, _confidence = burn(rasters, tmp_path, [])
    assert changed == 0
    assert (classes == open_class_map(rasters[0]).read()).all()


def test_rasters_of_two_grids_are_refused(rasters, tmp_path):
    other = write_raster(tmp_path / "other.tif", np.full((3, 3), 50), dtype="uint8", nodata=255)
    with pytest.raises(RasterError, match="grid"):
        burn((rasters[0], other), tmp_path, [Burn(at(1, 1, 3, 3), "B1")])
