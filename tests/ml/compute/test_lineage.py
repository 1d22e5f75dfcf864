import json

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from ml.compute.__main__ import main
from ml.compute.errors import LineageError
from ml.compute.lineage import PolygonLayer, trace_lineage
from tests.ml.compute.rasters import LAMBERT_93


def layer(*rows, crs=LAMBERT_93, **fields):
    """Rows of (name, code, west, south, east, north), in tens of metres."""
    shapes = [
        box(700_000 + 10 * w, 6_300_000 + 10 * s, 700_000 + 10 * e, 6_300_000 + 10 * n) for _, _, w, s, e, n in rows
    ]
    frame = gpd.GeoDataFrame({"name": [r[0] for r in rows], "code": [r[1] for r in rows]}, geometry=shapes, crs=crs)
    return PolygonLayer(frame, id_field="name", **fields)


def fates(before, after, **options):
    table = trace_lineage(before, after, cell_m=10, **options)
    known = (
        table[["from_polygon", "to_polygon"]].astype(object).where(table[["from_polygon", "to_polygon"]].notna(), None)
    )
    return dict(zip(known.itertuples(index=False, name=None), table["relation"], strict=True))


def test_one_outline_and_one_habitat_are_the_same_polygon_and_keep_its_number():
    table = trace_lineage(layer(("a", "E1", 0, 0, 20, 20)), layer(("z", "E1", 0, 0, 20, 19)), cell_m=10)
    row = table.iloc[0]
    assert (row.relation, row.stable_id, row.overlap_m2, row.iou) == ("same", "a", 38_000, 0.95)


def test_another_habitat_or_outline_is_modified():
    before = layer(("a", "E1", 0, 0, 20, 20), ("b", "F3", 20, 0, 40, 20))
    after = layer(("y", "G1", 0, 0, 20, 20), ("z", "F3", 20, 0, 40, 14))
    assert fates(before, after) == {("a", "y"): "modified", ("b", "z"): "modified"}


def test_a_polygon_splits_and_two_merge():
    whole = layer(("a", "E1", 0, 0, 20, 20))
    halves = layer(("y", "E1", 0, 0, 10, 20), ("z", "G1", 10, 0, 20, 20))
    assert fates(whole, halves) == {("a", "y"): "split", ("a", "z"): "split"}
    assert fates(halves, whole) == {("y", "a"): "merged", ("z", "a"): "merged"}


def test_a_small_part_of_a_large_polygon_appeared_and_vanishes():
    field = layer(("a", "I1", 0, 0, 20, 20))
    built = layer(("y", "I1", 0, 0, 20, 19), ("z", "J1", 0, 19, 20, 20))
    assert fates(field, built) == {("a", "y"): "same", (None, "z"): "appeared"}
    assert fates(built, field) == {("y", "a"): "same", ("z", None): "vanished"}


def test_ground_that_only_one_map_covers_appears_or_vanishes():
    assert fates(layer(("a", "E1", 0, 0, 5, 5)), layer(("z", "E1", 9, 9, 14, 14))) == {
        ("a", None): "vanished",
        (None, "z"): "appeared",
    }


def test_strips_change_nothing(monkeypatch):
    before = layer(("a", "E1", 0, 0, 20, 20), ("b", "F3", 20, 0, 40, 20))
    after = layer(("y", "E1", 0, 0, 30, 20), ("z", "F3", 30, 0, 40, 20))
    whole = trace_lineage(before, after, cell_m=10)
    monkeypatch.setattr("ml.compute.lineage.CELLS_AT_ONCE", 100)
    pd.testing.assert_frame_equal(whole, trace_lineage(before, after, cell_m=10))


def test_another_projection_is_reprojected():
    before = layer(("a", "E1", 0, 0, 20, 20))
    after = PolygonLayer(layer(("z", "E1", 0, 0, 20, 20)).polygons.to_crs(4326), id_field="name")
    assert fates(before, after) == {("a", "z"): "same"}


def test_a_layer_at_fault_is_refused_in_a_sentence():
    good = layer(("a", "E1", 0, 0, 2, 2))
    for bad, words in [
        (PolygonLayer(good.polygons, code_field="habitat"), "no column 'habitat'"),
        (PolygonLayer(good.polygons, id_field="fid"), "no column 'fid'"),
        (layer(("a", "E1", 0, 0, 2, 2), ("a", "E1", 2, 0, 4, 2)), "Row 2: 'name' is empty or stands twice"),
        (PolygonLayer(good.polygons.iloc[:0]), "no polygon"),
        (PolygonLayer(good.polygons.set_crs(None, allow_override=True)), "no projection"),
    ]:
        with pytest.raises(LineageError, match=words):
            trace_lineage(bad, good, cell_m=10)
    with pytest.raises(LineageError, match="degrees"):
        trace_lineage(PolygonLayer(good.polygons.to_crs(4326)), good, cell_m=10)


def test_the_command_numbers_polygons_by_their_row(tmp_path, capsys):
    for name, one in (("a", layer(("a", "E1", 0, 0, 20, 20))), ("b", layer(("z", "E1", 0, 0, 20, 20)))):
        one.polygons.to_file(tmp_path / f"{name}.gpkg", driver="GPKG")
    out = tmp_path / "lineage.csv"
    assert main(["lineage", str(tmp_path / "a.gpkg"), str(tmp_path / "b.gpkg"), "--out", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["same"] == 1
    assert pd.read_csv(out)[["from_polygon", "to_polygon", "stable_id"]].to_numpy().tolist() == [[1, 1, 1]]
