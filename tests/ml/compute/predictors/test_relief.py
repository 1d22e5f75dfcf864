import numpy as np
import pytest

from tests.ml.compute.predictors.regions import RELIEF, build, slope_to_the_north, values, write_region, write_source
from tests.ml.compute.rasters import shared_path


@pytest.fixture
def region(tmp_path):
    return write_region(tmp_path / "region")


@pytest.mark.parametrize("cell", [5.0, 10.0, 25.0])
def test_relief_of_a_model_of_any_cell_size_keeps_its_slope(region, cell):
    slope_to_the_north(region, cell=cell)
    report = build(region, RELIEF + 'derivatives = ["elevation", "slope", "northness", "position"]\nradii_m = [50]\n')
    assert report["made"] == ["relief.tif"]
    bands = values(region / "stack/2023/relief.tif")
    assert list(bands) == ["elevation", "slope", "northness", "position_50m"]
    np.testing.assert_allclose(bands["slope"], np.degrees(np.arctan(0.3)), atol=0.02)
    np.testing.assert_allclose(bands["northness"], 0.3 / np.sqrt(1.09), atol=1e-3)
    np.testing.assert_allclose(bands["position_50m"], 0, atol=0.1)
    assert bands["elevation"][0, 0] == pytest.approx(1000 + 0.3 * 5, abs=0.2)


def test_a_file_does_not_depend_on_the_windows_it_was_made_in(tmp_path):
    random = np.random.default_rng(1)
    heights = random.normal(500, 5, (1, 60, 1100)).astype(np.float32)
    recipe = RELIEF.replace("700600", "711000")
    files = []
    for side in (512, 1024):
        region = write_region(tmp_path / str(side))
        write_source(region / "dem.tif", heights)
        build(region, recipe + f"window_px = {side}\n")
        files.append((region / "stack/2023/relief.tif").read_bytes())
    assert files[0] == files[1]


@pytest.mark.shared
def test_real_models_of_two_zones_make_nearly_the_same_relief(tmp_path):
    paths = [str(path) for path in sorted(shared_path("data/dem").glob("*.tif"))]
    region = write_region(tmp_path / "huesca", epsg=25830, resolution=100.0)
    recipe = (
        "[grid]\nbounds = [735000, 4700000, 755000, 4720000]\n[[relief]]\nfile = 'relief.tif'\nradii_m = [500, 2000]\n"
    )
    reliefs = []
    for order in (paths, paths[::-1]):
        build(region, recipe + f"dem = {order}\n")
        reliefs.append(values(region / "stack/2023/relief.tif"))
    first, second = reliefs
    assert all(np.isfinite(plane).all() for plane in first.values())
    assert 5 < np.median(first["slope"]) < 40
    assert np.median(np.abs(first["elevation"] - second["elevation"])) < 10
    for name in ("slope", "northness", "eastness", "position_500m", "position_2000m"):
        assert np.corrcoef(first[name].ravel(), second[name].ravel())[0, 1] > 0.9
