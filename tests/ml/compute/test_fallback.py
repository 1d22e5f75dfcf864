import json

import numpy as np
import pytest
import rasterio

from ml.compute.__main__ import main
from ml.compute.errors import LegendError, RasterError
from ml.compute.fallback import NEVER, Branches, choose_threshold, fall_back
from ml.compute.fallback_maps import write_fallback
from ml.compute.hierarchy import Hierarchy
from ml.compute.map_products import MapProducts
from ml.compute.region.legend import LegendRow
from tests.ml.compute.rasters import write_class_map, write_raster

TREE = Hierarchy({"E1.2": "E1", "E1.7": "E1", "E1": "E", "E2": "E"})
CLASSES = ["E1.2", "E1.7", "E2", "G"]
BRANCHES = Branches.of_classes(CLASSES, TREE)
LEGEND = tuple(
    LegendRow(code, code, code, "#00ff00", TREE.parents.get(code, ""), "", place)
    for place, code in enumerate(["E", "E1", "E1.2", "E1.7", "E2", "G"])
)


def published(ranks, percents, threshold):
    codes, support = fall_back(np.array([ranks]), np.array([percents], np.uint8), BRANCHES, threshold)
    return (BRANCHES.codes[codes[0]] if codes[0] >= 0 else "", int(support[0]))


def test_an_unsure_child_becomes_the_first_ancestor_that_is_sure():
    assert published([0, 1, 2], [70, 20, 10], 60) == ("E1.2", 70)
    assert published([0, 1, 2], [45, 40, 15], 60) == ("E1", 85)
    assert published([0, 2, 3], [40, 35, 25], 60) == ("E", 75)
    assert published([0, 3, -1], [50, 45, 0], 60) == ("E", 50)
    assert published([3, 0, 1], [40, 35, 25], 60) == ("G", 40)
    assert published([-1, -1, -1], [0, 0, 0], 60) == ("", 0)


def test_the_threshold_is_the_lowest_that_keeps_the_promise():
    random = np.random.default_rng(0)
    percents = np.zeros((4000, 3), np.uint8)
    percents[:, 0] = random.integers(34, 100, 4000)
    truth = np.where(random.random(4000) * 100 < percents[:, 0], 0, 1)
    ranks = np.tile([0, 1, 2], (4000, 1))
    rule = choose_threshold(ranks, percents, truth, BRANCHES, reliability=0.9)
    kept = percents[:, 0] >= rule.threshold
    assert (truth[kept] == 0).mean() >= 0.9
    assert (truth[percents[:, 0] >= rule.threshold - 1] == 0).mean() < 0.9
    assert rule.kept == pytest.approx(kept.mean())
    assert rule.right_as_published > rule.right


def test_a_promise_that_nothing_keeps_sends_every_cell_to_its_parent():
    ranks, percents = np.tile([0, 1, 2], (50, 1)), np.full((50, 3), 30, np.uint8)
    rule = choose_threshold(ranks, percents, np.full(50, 1), BRANCHES)
    assert (rule.threshold, rule.kept, rule.right) == (NEVER, 0.0, None)
    few = choose_threshold(ranks[:5], percents[:5], np.zeros(5, int), BRANCHES)
    assert (few.threshold, few.right) == (80, None)


@pytest.fixture
def paths(tmp_path):
    classes = write_class_map(
        tmp_path / "c.tif", [[1, 1, 2, 0], [3, 3, 2, 1]], codes={1: "E1.2", 2: "E2", 3: "G"}, dtype="uint8"
    )
    confidence = write_raster(tmp_path / "k.tif", [[90, 40, 40, 255], [30, 90, 95, 45]], dtype="uint8", nodata=255)
    second, share = [[2, 2, 1, 0], [1, 1, 3, 3]], [[10, 35, 35, 0], [25, 10, 5, 40]]
    none = np.zeros((2, 4))
    runner_ups = write_raster(tmp_path / "r.tif", np.stack([second, share, none, none]), dtype="uint16", nodata=0)
    return classes, confidence, runner_ups


def test_the_map_with_parents_keeps_class_values_and_names_the_new_ones(paths, tmp_path):
    counts = write_fallback(MapProducts(*paths), LEGEND, 60, tmp_path / "levels.tif", support=tmp_path / "s.tif")
    assert (counts["cells_mapped"], counts["cells_at_parent"]) == (7, 3)
    with rasterio.open(tmp_path / "levels.tif") as source:
        values, names = source.read(1), json.loads(source.tags()["CLASSES"])
        assert source.colormap(1)[1][:3] == (0, 255, 0)
    assert {names[str(value)] for value in (1, 2, 3)} == {"E1.2", "E2", "G"}
    codes = [[names.get(str(value), "") for value in row] for row in values]
    assert codes == [["E1.2", "E", "E", ""], ["G", "G", "E2", "E"]]
    with rasterio.open(tmp_path / "s.tif") as source:
        assert source.read(1).tolist() == [[90, 75, 75, 255], [30, 90, 95, 45]]


def test_a_legend_without_parents_is_refused_and_nothing_is_written(paths, tmp_path):
    flat = tuple(LegendRow(code, code, code, "#00ff00", "", "", 0) for code in ("E1.2", "E2", "G"))
    with pytest.raises(LegendError, match="no class of the map has a parent"):
        write_fallback(MapProducts(*paths), flat, 60, tmp_path / "levels.tif")
    assert not (tmp_path / "levels.tif").exists()


def test_products_that_do_not_belong_together_are_refused(paths, tmp_path):
    classes, confidence, runner_ups = paths
    other = write_raster(tmp_path / "o.tif", [[1, 2]], dtype="uint8")
    with pytest.raises(RasterError, match="does not lie on the grid"):
        MapProducts(classes, other, runner_ups)
    with pytest.raises(RasterError, match="1 band"):
        MapProducts(classes, confidence, confidence)
    signed = write_raster(tmp_path / "f.tif", [[0.5] * 4] * 2, dtype="float32")
    with pytest.raises(RasterError, match="float32 where 1 of whole numbers"):
        MapProducts(classes, signed, runner_ups)


def test_doubt_is_the_margin_between_the_two_best_classes(paths, tmp_path, capsys):
    classes, confidence, runner_ups = paths
    words = ["doubt", classes, "--confidence", confidence, "--runner-ups", runner_ups, "--out", tmp_path / "d.tif"]
    assert main([str(word) for word in words]) == 0
    said = json.loads(capsys.readouterr().out)
    with rasterio.open(tmp_path / "d.tif") as source:
        assert source.read(1).tolist() == [[20, 95, 95, 255], [95, 20, 10, 95]]
        assert source.nodata == 255
    assert (said["cells_mapped"], said["doubtful_share"]) == (7, round(4 / 7, 4))


def test_no_mapped_cell_gives_empty_products(tmp_path):
    classes = write_class_map(tmp_path / "c.tif", [[0, 0]], codes={1: "E1.2"}, dtype="uint8")
    confidence = write_raster(tmp_path / "k.tif", [[255, 255]], dtype="uint8", nodata=255)
    runner_ups = write_raster(tmp_path / "r.tif", np.zeros((4, 1, 2)), dtype="uint16", nodata=0)
    counts = write_fallback(MapProducts(classes, confidence, runner_ups), LEGEND, 60, tmp_path / "l.tif")
    assert (counts["cells_mapped"], counts["cells_at_parent"]) == (0, 0)
