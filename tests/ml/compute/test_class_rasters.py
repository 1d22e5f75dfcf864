import numpy as np
import pytest

from ml.compute.class_rasters import open_class_map
from ml.compute.errors import RasterError
from tests.ml.compute.rasters import damage, write_class_map, write_raster


def test_codes_come_from_the_classes_tag(tmp_path):
    path = write_class_map(tmp_path / "map.tif", [[1, 2]], codes={1: "E1.2", 2: "G1.7"})
    assert open_class_map(path).code_of(2) == "G1.7"
    assert open_class_map(path).code_of(9) == "9"


def test_the_nodata_of_the_file_is_read_as_zero(tmp_path):
    path = write_class_map(tmp_path / "map.tif", [[255, 2, 0]], nodata=255, dtype="uint8")
    assert open_class_map(path).read().tolist() == [[0, 2, 0]]


def test_strips_cover_the_map_once(tmp_path):
    values = np.arange(1, 22).reshape(7, 3)
    class_map = open_class_map(write_class_map(tmp_path / "map.tif", values))
    strips = list(class_map.strips(3))
    assert [first for first, _ in strips] == [0, 3, 6]
    np.testing.assert_array_equal(np.vstack([strip for _, strip in strips]), values)


def test_a_cell_area_counts_the_unit_of_the_projection(tmp_path):
    feet = write_class_map(tmp_path / "feet.tif", [[1]], crs="EPSG:2263")
    assert open_class_map(feet).cell_area_m2 == pytest.approx(100 * 0.3048006096**2, rel=1e-6)


@pytest.mark.parametrize(
    ("values", "dtype", "message"),
    [
        ([[0.5]], "float32", r"map.tif: 1 band\(s\) of float32; a class map has one band of whole numbers"),
        (np.ones((2, 1, 1)), "uint8", r"map.tif: 2 band\(s\) of uint8"),
        ([[70000]], "uint32", r"class value 70000 is outside 0\.\.65535"),
        ([[-3]], "int16", r"class value -3 is outside 0\.\.65535"),
    ],
)
def test_a_raster_that_is_no_class_map_is_refused(tmp_path, values, dtype, message):
    path = write_raster(tmp_path / "map.tif", np.array(values), dtype=dtype)
    with pytest.raises(RasterError, match=message):
        open_class_map(path).read()


def test_a_broken_classes_tag_is_named(tmp_path):
    path = write_raster(tmp_path / "map.tif", [[1]], dtype="uint8", tags={"CLASSES": "E1.2;G1.7"})
    with pytest.raises(RasterError, match=r"map.tif: the tag CLASSES is no JSON"):
        open_class_map(path)


def test_a_file_that_breaks_off_is_named(tmp_path):
    noise = np.random.default_rng(2).integers(1, 99, (200, 200))
    path = damage(write_class_map(tmp_path / "map.tif", noise, compress="deflate"))
    with pytest.raises(RasterError, match=r"map.tif: the raster breaks off or is damaged"):
        open_class_map(path).read()
