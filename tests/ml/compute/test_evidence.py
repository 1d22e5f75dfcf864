import numpy as np
import pytest
from shapely.geometry import box

from ml.compute.errors import RasterError
from ml.compute.evidence import YearPair
from tests.ml.compute.rasters import write_class_map, write_raster

CODES = {"1": "A1", "2": "B1", "3": "C1"}
PLACE = box(700_000, 6_299_960, 700_040, 6_300_000)


@pytest.fixture
def pair_of(tmp_path):
    def make(before, after, confidence, shape=(4, 4)):
        made = [
            write_class_map(tmp_path / f"{name}.tif", np.broadcast_to(values, shape), codes=CODES, dtype="uint8")
            for name, values in (("before", before), ("after", after))
        ]
        confidence = np.broadcast_to(confidence, shape)
        return YearPair(*made, write_raster(tmp_path / "confidence.tif", confidence, dtype="uint8", nodata=255))

    return make


@pytest.mark.parametrize(
    ("before", "after", "confidence", "changed"),
    [
        (1, 3, 95, 1.0),
        (1, 3, 80, 0.0),
        (1, 2, 95, 0.0),
        (3, 3, 95, 0.0),
        (1, [3, 3, 1, 1], 95, 0.5),
        (1, 3, [95, 95, 95, 10], 0.75),
    ],
)
def test_only_sure_cells_of_a_third_habitat_count_as_change(pair_of, before, after, confidence, changed):
    found = pair_of(before, after, confidence).change_at(PLACE, said={"A1", "B1"}, least_confidence=90)
    assert (found.cells, found.changed, found.became) == (16, changed, "C1" if changed else "")


def test_a_place_outside_the_map_shows_nothing(pair_of):
    place = box(0, 0, 10, 10)
    assert pair_of(1, 3, 95).change_at(place, said=set(), least_confidence=90).cells == 0


def test_two_grids_tell_nothing(pair_of, tmp_path):
    pair = pair_of(1, 3, 95)
    other = write_class_map(tmp_path / "other.tif", np.full((5, 5), 1), codes=CODES, dtype="uint8")
    with pytest.raises(RasterError, match="grid"):
        YearPair(other, pair.after.path, pair.confidence_path)
