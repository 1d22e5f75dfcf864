import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from ml.compute.__main__ import main
from ml.compute.class_rasters import open_class_map
from ml.compute.polygons import draw_map
from ml.compute.small_features import SmallFeatureRules
from tests.ml.compute.rasters import TEN_METRES, write_class_map, write_raster

FIELD, HEDGE, POND, SALT = 1, 2, 3, 4
CODES = {FIELD: "I1.1", HEDGE: "FA", POND: "C1", SALT: "J1"}


@pytest.fixture
def countryside(tmp_path):
    """A field with a hedge across it, one along a diagonal, a pond of two cells, a blob and salt."""
    classes = np.full((40, 60), FIELD)
    classes[10, 5:50] = HEDGE
    classes[np.arange(15, 35), np.arange(20, 40)] = HEDGE
    classes[30, 50:52] = POND
    classes[20:24, 5:9] = HEDGE
    classes[np.arange(2, 38, 5), 55] = SALT
    return write_class_map(tmp_path / "classes.tif", classes, codes=CODES)


def kept(path, *, confidence_path=None, **rules):
    drawn = draw_map(open_class_map(path), mmu_px=50, simplify_m=0, confidence_path=confidence_path)
    return drawn.small_features(confidence_path, SmallFeatureRules(**rules))


def test_a_hedge_one_cell_wide_is_kept_as_a_line(countryside):
    straight, diagonal = kept(countryside).itertuples()
    assert (straight.code, straight.kind) == ("FA", "linear")
    assert (straight.length_m, straight.width_m, straight.area_m2) == (450, 10, 4500)
    west, north = TEN_METRES.c, TEN_METRES.f
    assert straight.geometry.equals(shapely.LineString([(west + 55, north - 105), (west + 495, north - 105)]))
    assert diagonal.length_m == pytest.approx(19 * np.sqrt(2) * 10 + 10, abs=0.1)
    assert shapely.get_num_coordinates(diagonal.geometry) == 2


def test_a_pond_of_two_cells_is_kept_where_its_code_is_protected(countryside):
    ponds = kept(countryside, keep_codes=frozenset({"C1"})).query("code == 'C1'")
    assert ponds[["kind", "area_m2"]].to_numpy().tolist() == [["small", 200.0]]
    assert ponds.geometry.iloc[0].area == 200


def test_salt_is_never_kept_even_of_a_protected_code(countryside):
    assert "J1" not in set(kept(countryside, keep_codes=frozenset({"J1"})).code)


def test_a_hedge_the_model_doubts_is_not_kept(countryside, tmp_path):
    confidence = np.full((40, 60), 90)
    confidence[10] = 30
    path = write_raster(tmp_path / "confidence.tif", confidence, dtype="uint8", nodata=255)
    features = kept(countryside, confidence_path=path)
    assert features.confidence.tolist() == [90.0]


def test_what_holds_the_unit_stays_a_polygon_and_is_not_kept_twice(tmp_path):
    classes = np.full((30, 80), FIELD)
    classes[10, 5:70] = HEDGE
    path = write_class_map(tmp_path / "classes.tif", classes, codes=CODES)
    assert kept(path).empty


def test_strips_cut_no_hedge(countryside, monkeypatch):
    whole = kept(countryside, keep_codes=frozenset({"C1"}))
    monkeypatch.setattr("ml.compute.polygons.CELLS_AT_ONCE", 60 * 3)
    parts = kept(countryside, keep_codes=frozenset({"C1"}))
    assert parts.equals(whole)


def test_the_command_writes_the_polygons_first_and_the_features_beside_them(countryside, tmp_path):
    out = tmp_path / "polygons.gpkg"
    words = ["polygonise", countryside, "--mmu-px", 50, "--simplify", 10, "--out", out, "--keep-codes", "C1"]
    assert main([str(word) for word in words]) == 0
    assert pyogrio.list_layers(out)[:, 0].tolist() == ["polygons", "small_features"]
    features = gpd.read_file(out, layer="small_features")
    assert sorted(features.kind) == ["linear", "linear", "small"]
    assert len(gpd.read_file(out, layer="polygons")) == 1


def test_the_features_cannot_take_the_layer_of_the_polygons(countryside, tmp_path, capsys):
    words = ["polygonise", countryside, "--mmu-px", 50, "--simplify", 10, "--out", tmp_path / "p.gpkg"]
    assert main([str(word) for word in [*words, "--small-features", "polygons"]]) == 2
    assert "give another name" in capsys.readouterr().err
