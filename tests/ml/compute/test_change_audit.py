import json

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from scipy.ndimage import gaussian_filter

from ml.compute.__main__ import main
from ml.compute.assessment import assess_points
from ml.compute.change_audit import STRATA, ChangeMap, draw_change_sample
from ml.compute.errors import AuditError, RasterError
from tests.ml.compute.rasters import TEN_METRES, write_class_map, write_raster

CODES = {1: "E1", 2: "F3"}
SIDE = 150


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """Two maps with errors, where the true change is known: false changes are weak, missed ones beside or doubtful."""
    folder = tmp_path_factory.mktemp("change")
    random = np.random.default_rng(1)
    smooth = gaussian_filter(random.normal(size=(SIDE, SIDE)), 5)
    truth = smooth > np.quantile(smooth, 0.92)
    said = (smooth + random.normal(0, smooth.std() / 4, smooth.shape)) > np.quantile(smooth, 0.91)
    strength = np.where(said, np.where(truth, 90, 60), np.where(truth, 30, 5))
    before = write_class_map(folder / "a.tif", np.ones((SIDE, SIDE)), codes=CODES, dtype="uint8")
    after = write_class_map(folder / "b.tif", 1 + said, codes=CODES, dtype="uint8")
    path = write_raster(folder / "s.tif", strength, dtype="uint8", nodata=255)
    return ChangeMap(before, after, path), truth


def labelled(points, truth):
    places = [tuple(int(one) for one in ~TEN_METRES @ (x, y)) for x, y in zip(points["x"], points["y"], strict=True)]
    return points.assign(reference=["change" if truth[row, column] else "no_change" for column, row in places])


def test_every_stratum_gets_points_and_says_its_area(ground):
    change, _truth = ground
    draw, points = draw_change_sample(change, size=200, seed=3)
    assert set(draw.sizes) <= {*STRATA, "small strata"}
    assert sum(draw.cells.values()) == SIDE * SIDE
    assert (points["map"] == "change").equals(points["from_class"] != points["to_class"])
    assert points.loc[points["stratum"].str.startswith("change_"), "map"].eq("change").all()
    assert points.groupby("stratum")["stratum_area"].first().sum() == SIDE * SIDE * 100
    assert draw_change_sample(change, size=200, seed=3)[1].equals(points)
    assert not draw_change_sample(change, size=200, seed=4)[1].equals(points)


def test_the_interval_of_the_corrected_area_holds_the_true_area(ground):
    change, truth = ground
    true_area = truth.sum() * 100
    held = 0
    for seed in range(60):
        draw, points = draw_change_sample(change, size=300, seed=seed)
        area = assess_points(labelled(points, truth), draw.areas).classes["change"].area
        held += area.low_95 <= true_area <= area.high_95
    assert held >= 53


def test_codes_are_compared_not_their_numbers(tmp_path):
    before = write_class_map(tmp_path / "a.tif", np.tile([1, 2], (20, 20)), codes={1: "E1", 2: "F3"}, dtype="uint8")
    after = write_class_map(tmp_path / "b.tif", np.tile([5, 1], (20, 20)), codes={5: "E1", 1: "F3"}, dtype="uint8")
    _draw, points = draw_change_sample(ChangeMap(before, after), size=20, seed=0)
    assert set(points["map"]) == {"no_change"}


def test_cells_beside_a_change_are_a_stratum_of_their_own_across_strips(tmp_path, monkeypatch):
    values = np.ones((40, 40))
    values[20:25, 20:25] = 2
    before = write_class_map(tmp_path / "a.tif", np.ones((40, 40)), codes=CODES, dtype="uint8")
    after = write_class_map(tmp_path / "b.tif", values, codes=CODES, dtype="uint8")
    change = ChangeMap(before, after, buffer_px=2)
    whole, _points = draw_change_sample(change, size=100, seed=1)
    monkeypatch.setattr("ml.compute.change_audit.STRIP_ROWS", 3)
    strips, _points = draw_change_sample(change, size=100, seed=1)
    assert whole.cells == strips.cells
    assert whole.cells["beside_change"] == 9 * 9 - 25


def test_maps_without_common_cells_or_grid_are_refused(tmp_path):
    before = write_class_map(tmp_path / "a.tif", np.ones((4, 4)))
    with pytest.raises(AuditError, match="No cell has data"):
        draw_change_sample(ChangeMap(before, write_class_map(tmp_path / "e.tif", np.zeros((4, 4)))), size=9, seed=0)
    moved = write_class_map(tmp_path / "m.tif", np.ones((4, 4)), transform=TEN_METRES @ Affine.translation(0.5, 0))
    with pytest.raises(RasterError, match="grid"):
        draw_change_sample(ChangeMap(before, moved), size=9, seed=0)


def test_the_points_of_the_command_are_what_assess_reads(ground, tmp_path, capsys):
    change, truth = ground
    table = tmp_path / "points.csv"
    words = ["sample-changes", str(change.before), str(change.after), "--strength", str(change.strength)]
    assert main([*words, "--size", "200", "--seed", "1", "--out", str(table)]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 200
    points = pd.read_csv(table, keep_default_na=False)
    labelled(points, truth).to_csv(table, index=False)
    assert main(["assess", "--samples", str(table), "--out", str(tmp_path / "r.json")]) == 0
    report = json.loads((tmp_path / "r.json").read_text())
    area = report["classes"]["change"]["area"]
    assert area["low_95"] < truth.sum() * 100 < area["high_95"]
