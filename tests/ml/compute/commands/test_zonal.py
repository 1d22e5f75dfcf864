import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from ml.compute.commands import zonal
from ml.compute.errors import ZoneError
from tests.ml.compute.commands.running import run_command
from tests.ml.compute.rasters import LAMBERT_93, TEN_METRES, write_class_map


@pytest.fixture
def classes(tmp_path):
    return write_class_map(tmp_path / "classes.tif", np.full((4, 4), 2), codes={2: "E1.2"})


@pytest.fixture
def zones(tmp_path):
    left, top = TEN_METRES.c, TEN_METRES.f
    frame = gpd.GeoDataFrame(
        {"code": ["09001", "09002"]},
        geometry=[shapely.box(left, top - 40, left + 10, top), shapely.box(left + 10, top - 40, left + 90, top)],
        crs=LAMBERT_93,
    )
    for layer in ("commune", "epci"):
        frame.to_file(tmp_path / "zones.gpkg", layer=layer)
    return tmp_path / "zones.gpkg"


def test_the_table_keeps_codes_as_text(classes, zones, tmp_path):
    words = ("--zone-field", "code", "--zone-layer", "commune", "--out", tmp_path / "table.csv")
    answer = run_command(zonal, classes, zones, *words)
    table = pd.read_csv(tmp_path / "table.csv", dtype={"zone": str})
    assert list(table.columns) == ["zone", "class", "area_m2"]
    assert table["zone"].tolist() == ["09001", "09002"]
    assert table["area_m2"].tolist() == [400, 1200]
    assert (answer["zones"], answer["zones_with_data"], answer["area_ha"]) == (2, 2, 0.16)


def test_a_file_of_several_layers_is_read_where_it_has_most_zones(classes, zones, tmp_path):
    gpd.read_file(zones, layer="commune").iloc[:1].to_file(zones, layer="region")
    words = ("--zone-field", "code", "--out", tmp_path / "table.csv")
    answer = run_command(zonal, classes, zones, *words)
    assert (answer["layer"], answer["zones"]) == ("commune", 2)


def test_a_layer_that_the_file_has_not_is_named(classes, zones, tmp_path):
    out = tmp_path / "t.csv"
    with pytest.raises(ZoneError, match="parish"):
        run_command(
            zonal, classes, zones, "--zone-field", "code", "--zone-layer", "parish", "--out", tmp_path / "t.csv"
        )
    assert not out.exists()
