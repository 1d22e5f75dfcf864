import geopandas as gpd
import numpy as np
import pytest

from ml.compute.commands import polygonise
from ml.compute.errors import RasterError
from tests.ml.compute.commands.running import run_command
from tests.ml.compute.rasters import write_class_map, write_raster

RUNNER_UPS = ["runner_up_1", "runner_up_1_share", "runner_up_2", "runner_up_2_share"]
COLUMNS = ["code", "confidence", *RUNNER_UPS, "area_m2", "geometry"]


def test_polygons_are_written_with_the_columns_of_the_contract(tmp_path):
    classes = np.full((6, 8), 3)
    classes[:, 4:] = 7
    classes[2, 2] = 7
    path = write_class_map(tmp_path / "classes.tif", classes, codes={3: "E1.2", 7: "G1.7"})
    confidence = write_raster(tmp_path / "confidence.tif", np.full((6, 8), 60), dtype="uint8", nodata=255)
    out = tmp_path / "new" / "polygons.gpkg"
    answer = run_command(polygonise, path, "--mmu-px", 4, "--simplify", 10, "--confidence", confidence, "--out", out)
    frame = gpd.read_file(out)
    assert list(frame.columns) == COLUMNS
    assert frame["code"].tolist() == ["E1.2", "G1.7"]
    assert frame["confidence"].tolist() == [60, 60]
    assert frame.crs.to_epsg() == 2154
    assert answer["polygons"] == 2
    assert answer["area_ha"] == pytest.approx(0.48, abs=0.05)
    assert (answer["patches_merged"], answer["patches_isolated_under_the_unit"]) == (1, 0)
    assert [file.name for file in out.parent.iterdir()] == ["polygons.gpkg"]


def test_a_map_without_data_writes_an_empty_layer(tmp_path):
    path = write_class_map(tmp_path / "classes.tif", np.zeros((3, 3)))
    out = tmp_path / "polygons.gpkg"
    assert run_command(polygonise, path, "--mmu-px", 4, "--simplify", 0, "--out", out)["polygons"] == 0
    frame = gpd.read_file(out)
    assert frame.empty
    assert set(frame.columns) == set(COLUMNS)


def test_a_missing_raster_leaves_the_earlier_polygons(tmp_path):
    out = tmp_path / "polygons.gpkg"
    out.write_text("earlier")
    with pytest.raises(RasterError, match=r"nowhere.tif: the raster is missing"):
        run_command(polygonise, tmp_path / "nowhere.tif", "--mmu-px", 4, "--simplify", 0, "--out", out)
    assert out.read_text() == "earlier"


@pytest.mark.parametrize(("option", "value"), [("--mmu-px", "-1"), ("--simplify", "inf"), ("--mmu-px", "2.5")])
def test_a_wrong_number_is_said_at_once(tmp_path, capsys, option, value):
    words = {"--mmu-px": "4", "--simplify": "10", "--out": "p.gpkg", option: value}
    with pytest.raises(SystemExit):
        run_command(polygonise, "classes.tif", *(word for pair in words.items() for word in pair))
    assert value in capsys.readouterr().err
