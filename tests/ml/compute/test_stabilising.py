import json

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

from ml.compute import year_maps
from ml.compute.__main__ import main
from ml.compute.errors import RasterError
from ml.compute.stabilising import StabilityRule, stabilise_maps
from ml.compute.transitions import FIRST_PERSISTENCE
from ml.compute.year_maps import YearMap
from ml.compute.year_writing import StabilityOutputs
from tests.ml.compute.rasters import TEN_METRES, shared_path, write_class_map, write_raster

CODES = {1: "E1", 2: "F3", 3: "G1"}
RULE = StabilityRule(persistence=0.95)


def year(folder, name, classes, confidence=None, *, codes=CODES, runner_ups=None):
    classes = write_class_map(folder / f"{name}.tif", classes, codes=codes, dtype="uint8")
    if confidence is not None:
        confidence = write_raster(folder / f"{name}-c.tif", confidence, dtype="uint8", nodata=255)
    if runner_ups is not None:
        runner_ups = write_raster(folder / f"{name}-r.tif", runner_ups, dtype="uint16", nodata=0)
    return YearMap(classes, confidence, runner_ups)


def read(path):
    with rasterio.open(path) as source:
        return source.read()


def stabilised(years, folder, rule=RULE):
    paths = tuple(folder / f"out-{place}.tif" for place in range(len(years)))
    counts = stabilise_maps(years, StabilityOutputs(paths, folder / "strength.tif"), rule)
    return counts, [read(path)[0] for path in paths], read(folder / "strength.tif")


def test_flicker_goes_and_a_sure_change_stays(tmp_path):
    first = year(tmp_path, "a", [[1, 1, 1, 0]], [[90, 99, 90, 255]])
    second = year(tmp_path, "b", [[2, 2, 1, 1]], [[50, 99, 90, 90]])
    counts, (before, after), strength = stabilised([first, second], tmp_path)
    assert before.tolist() == [[1, 1, 1, 0]]
    assert after.tolist() == [[1, 2, 1, 1]]
    assert (counts.cells, counts.changed_before, counts.changed_after, counts.relabelled) == (4, 2, 1, 1)
    assert counts.persistence == {"E1": 0.95, "F3": 0.95, "G1": 0.95}
    assert strength[0, 0, 1] > 50 > strength[0, 0, 0]
    assert strength[0, 0, 3] == 255


def test_outputs_are_cogs_with_codes_and_colours(tmp_path):
    maps = [year(tmp_path, name, [[1, 2]], [[90, 90]]) for name in "ab"]
    with rasterio.open(maps[1].classes, "r+") as target:
        target.write_colormap(1, {1: (255, 0, 0, 255)})
    stabilised(maps, tmp_path)
    with rasterio.open(tmp_path / "out-1.tif") as source:
        assert json.loads(source.tags()["CLASSES"]) == {"1": "E1", "2": "F3", "3": "G1"}
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (source.dtypes[0], source.nodata, source.colormap(1)[1]) == ("uint8", 0, (255, 0, 0, 255))


def test_maps_that_number_their_classes_differently_are_weighed_by_code(tmp_path):
    first = year(tmp_path, "a", [[1, 2]], [[90, 90]])
    second = year(tmp_path, "b", [[7, 7]], [[60, 90]], codes={7: "F3", 9: "J2"})
    counts, (before, after), _strength = stabilised([first, second], tmp_path)
    with rasterio.open(tmp_path / "out-1.tif") as source:
        codes = {int(value): code for value, code in json.loads(source.tags()["CLASSES"]).items()}
    assert [codes[value] for value in before[0]] == ["E1", "F3"]
    assert [codes[value] for value in after[0]] == ["E1", "F3"]
    assert counts.relabelled == 1


def test_runner_ups_count(tmp_path):
    runner_ups = np.array([[[3]], [[44]], [[0]], [[0]]])
    years = [
        year(tmp_path, "a", [[1]], [[45]], runner_ups=runner_ups),
        year(tmp_path, "b", [[2]], [[45]], runner_ups=runner_ups),
    ]
    _counts, (before, after), _strength = stabilised(years, tmp_path)
    assert before.tolist() == after.tolist() == [[3]]


def test_changes_smaller_than_the_least_patch_did_not_happen(tmp_path):
    first = year(tmp_path, "a", np.ones((6, 6)), np.full((6, 6), 99))
    changed = np.ones((6, 6))
    changed[0, 0] = changed[3:5, 3:5] = 2
    second = year(tmp_path, "b", changed, np.full((6, 6), 99))
    rule = StabilityRule(persistence=0.95, min_patch_px=4)
    _counts, (_before, after), _strength = stabilised([first, second], tmp_path, rule)
    assert (after == 2).sum() == 4
    assert after[0, 0] == 1


def test_no_seam_shows_between_strips(tmp_path, monkeypatch):
    random = np.random.default_rng(2)
    years = []
    base = np.kron(random.integers(1, 4, (10, 10)), np.ones((4, 4), int))
    for name in "abc":
        noise = random.random(base.shape) < 0.3
        classes = np.where(noise, random.integers(1, 4, base.shape), base)
        years.append(year(tmp_path, name, classes, random.integers(40, 100, base.shape)))
    rule = StabilityRule(persistence=0.9, min_patch_px=3)
    whole = stabilised(years, tmp_path, rule)
    monkeypatch.setattr(year_maps, "CELLS_AT_ONCE", 200)
    strips = stabilised(years, tmp_path, rule)
    assert all((one == other).all() for one, other in zip(whole[1], strips[1], strict=True))
    assert (whole[2] == strips[2]).all()
    assert whole[0] == strips[0]


def flickering(folder, *, sure=70):
    """Three maps of one ground: a tenth of the cells of each is wrong, and says what it might be instead."""
    random = np.random.default_rng(5)
    base = np.kron(random.integers(1, 4, (25, 25)), np.ones((4, 4), int))
    years = []
    for name in "abc":
        wrong = random.random(base.shape) < 0.1
        classes = np.where(wrong, base % 3 + 1, base)
        shares = np.full(base.shape, sure)
        runner_ups = np.stack([np.where(wrong, base, base % 3 + 1), 100 - shares - 5, np.zeros_like(base), 0 * base])
        years.append(year(folder, name, classes, shares, runner_ups=runner_ups))
    return base, years


def test_what_stays_is_learned_where_maps_say_what_else_a_cell_might_be(tmp_path):
    base, years = flickering(tmp_path)
    counts, labels, _strength = stabilised(years, tmp_path, StabilityRule())
    assert min(counts.persistence.values()) > 0.95
    assert (labels[1] == base).mean() > 0.97
    assert counts.changed_after < counts.changed_before / 5


def test_without_runner_ups_nothing_is_learned(tmp_path):
    _base, years = flickering(tmp_path)
    counts, _labels, _strength = stabilised(
        [YearMap(one.classes, one.confidence) for one in years], tmp_path, StabilityRule()
    )
    assert set(counts.persistence.values()) == {FIRST_PERSISTENCE}


def test_the_last_year_comes_out_as_classify_writes_it(tmp_path):
    _base, years = flickering(tmp_path)
    outputs = StabilityOutputs((None, None, tmp_path / "c.tif"), None, tmp_path / "p.tif", tmp_path / "r.tif")
    stabilise_maps(years, outputs)
    classes, confidence, runner_ups = (read(tmp_path / f"{name}.tif") for name in "cpr")
    assert (runner_ups[0] != classes[0]).all()
    assert (confidence[0] >= runner_ups[1]).mean() > 0.99
    assert confidence.mean() > 80
    again = stabilise_maps(
        [YearMap(tmp_path / "c.tif", tmp_path / "p.tif", tmp_path / "r.tif"), years[0]], StabilityOutputs()
    )
    assert again.changed_after < again.changed_before


def test_maps_of_two_grids_or_one_map_alone_are_refused(tmp_path):
    first = year(tmp_path, "a", [[1, 1]], [[90, 90]])
    moved = write_class_map(tmp_path / "m.tif", [[1, 1]], transform=TEN_METRES @ Affine.translation(0.5, 0))
    outputs = StabilityOutputs((tmp_path / "o1.tif", tmp_path / "o2.tif"))
    with pytest.raises(RasterError, match=r"m.tif does not lie on the grid of .*a.tif"):
        stabilise_maps([first, YearMap(moved)], outputs)
    with pytest.raises(RasterError, match="two years"):
        stabilise_maps([first], outputs)
    with pytest.raises(RasterError, match=r"1 band\(s\) instead of 4"):
        stabilise_maps([first, YearMap(first.classes, first.confidence, first.confidence)], outputs)
    assert not (tmp_path / "o1.tif").exists()


def test_the_command_writes_maps_change_and_table(tmp_path, capsys):
    maps = [
        year(tmp_path, "a", [[1, 1]], [[99, 90]]),
        year(tmp_path, "b", [[2, 2]], [[99, 50]]),
    ]
    outs = [str(tmp_path / name) for name in ("o1.tif", "o2.tif")]
    words = ["stabilise", *(str(one.classes) for one in maps), "--confidence", *(str(one.confidence) for one in maps)]
    words += ["--persistence", "0.95", "--out", *outs, "--change", str(tmp_path / "change.tif")]
    assert main([*words, "--table", str(tmp_path / "t.csv")]) == 0
    assert json.loads(capsys.readouterr().out)["changed_after"] == 1
    assert pd.read_csv(tmp_path / "t.csv")["cells"].tolist() == [1, 1]
    assert main([*words[:3], "--out", outs[0]]) == 2
    assert "--out has 1 file(s) for 2 maps" in capsys.readouterr().err


def test_compare_says_how_strong_each_change_is(tmp_path, capsys):
    before = year(tmp_path, "a", [[1, 1, 1]], [[99, 90, 95]])
    after = year(tmp_path, "b", [[2, 2, 1]], [[99, 50, 95]])
    table = tmp_path / "t.csv"
    words = [
        "compare",
        str(before.classes),
        str(after.classes),
        "--out",
        str(tmp_path / "c.tif"),
        "--table",
        str(table),
    ]
    companions = ["--confidence-a", str(before.confidence), "--confidence-b", str(after.confidence)]
    assert main([*words, *companions]) == 2
    assert "--strength" in capsys.readouterr().err
    assert main([*words, *companions, "--strength", str(tmp_path / "s.tif"), "--persistence", "0.95"]) == 0
    rows = pd.read_csv(table).set_index(["from_class", "to_class"])
    assert rows.loc[("E1", "E1"), "strength"] < rows.loc[("E1", "F3"), "strength"]
    assert rows.loc[("E1", "F3"), "area_m2"] == 200
    assert 0 < rows.loc[("E1", "F3"), "expected_area_m2"] < 200
    assert read(tmp_path / "c.tif")[0].tolist() == [[65538, 65538, 65537]]


@pytest.mark.shared
def test_real_yearly_maps_flip_and_flip_back_far_less(tmp_path):
    folder = shared_path("data/annual_maps")
    files = sorted(folder.glob("*.tif"))
    maps = [_cut(file, tmp_path) for file in files]
    _counts, labels, _strength = stabilised([YearMap(path) for path in maps], tmp_path, StabilityRule())
    mapped = np.stack([read(path)[0] for path in maps])
    assert _flips_back(np.stack(labels)) < _flips_back(mapped) / 4


def _cut(file, folder):
    window = rasterio.windows.Window(600, 600, 200, 200)
    with rasterio.open(file) as source:
        values, transform = source.read(1, window=window), source.transform @ Affine.translation(600, 600)
        return write_raster(folder / file.name, values, dtype="uint8", nodata=0, crs=source.crs, transform=transform)


def _flips_back(years):
    first, middle, last = years[:-2], years[1:-1], years[2:]
    return ((first == last) & (middle != first) & (first > 0) & (middle > 0)).mean()
