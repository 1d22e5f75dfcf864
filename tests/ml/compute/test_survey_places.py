import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from scipy.spatial import cKDTree
from shapely.geometry import Point

from ml.compute import survey_places
from ml.compute.__main__ import main
from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.errors import SampleError
from ml.compute.map_products import MapProducts
from ml.compute.novelty import KnownGround
from ml.compute.samples import read_sample_file
from ml.compute.survey_places import SurveyPlan
from ml.compute.survey_plans import plan_survey
from ml.compute.training import save_model, train_model
from tests.ml.compute.rasters import TEN_METRES, write_class_map, write_raster
from tests.ml.compute.tiny_regions import write_tiny_region

SIDE = 200
CODES = {1: "A", 2: "B", 3: "C"}


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """A map that is wrong as often as its confidence says, and its truth."""
    folder, random = tmp_path_factory.mktemp("ground"), np.random.default_rng(5)
    sure = np.add.outer(np.arange(SIDE) // 25, np.arange(SIDE) // 25) % 3 != 0
    percent = np.where(sure, 95, 45) + random.integers(-3, 4, (SIDE, SIDE))
    mapped = random.integers(1, 4, (SIDE, SIDE))
    second = mapped % 3 + 1
    truth = np.where(random.random((SIDE, SIDE)) * 100 < percent, mapped, second)
    mapped[:10] = 0
    none = np.zeros((SIDE, SIDE))
    classes = write_class_map(folder / "c.tif", mapped, codes=CODES, dtype="uint8")
    confidence = write_raster(folder / "k.tif", np.where(mapped, percent, 255), dtype="uint8", nodata=255)
    bands = np.stack([second, 98 - percent, none, none]) * (mapped > 0)
    runner_ups = write_raster(folder / "r.tif", bands, dtype="uint16", nodata=0)
    return MapProducts(classes, confidence, runner_ups), mapped, truth


def samples_of(rows):
    code, split, geometry = zip(*rows, strict=True)
    return gpd.GeoDataFrame({"code": code, "split": split}, geometry=list(geometry), crs=2154)


def cell(row, column):
    return Point(TEN_METRES @ (column + 0.5, row + 0.5))


SAMPLES = samples_of(
    [("A", "train", cell(50, 20))] * 9 + [("B", "train", cell(20, 150))] * 9 + [("C", "test", cell(130, 130))]
)


def cells_of(table):
    columns = ((table["x"] - TEN_METRES.c) // 10).astype(int)
    rows = ((TEN_METRES.f - table["y"]) // 10).astype(int)
    return rows.to_numpy(), columns.to_numpy()


def test_the_map_is_wrong_more_often_where_a_visit_is_proposed(ground):
    products, mapped, truth = ground
    table = plan_survey(products, SAMPLES, SurveyPlan(40, 80))
    wrong = (mapped != truth)[mapped > 0].mean()
    assert len(table) == 40
    assert (mapped != truth)[cells_of(table)].mean() > 1.4 * wrong
    assert (mapped[cells_of(table)] > 0).all()
    assert table["rank"].tolist() == list(range(1, 41))


def test_places_keep_their_distance_from_one_another_and_from_samples(ground):
    table = plan_survey(ground[0], SAMPLES, SurveyPlan(60, 150))
    points = table[["x", "y"]].to_numpy()
    assert cKDTree(points).query(points, k=2)[0][:, 1].min() >= 150
    training = np.array([(one.x, one.y) for one in SAMPLES.geometry[(SAMPLES["split"] == "train").to_numpy()]])
    assert cKDTree(training).query(points)[0].min() >= 150


def test_no_place_lies_in_a_block_that_chooses_models(ground):
    table = plan_survey(ground[0], SAMPLES, SurveyPlan(400, 30))
    test = SAMPLES.geometry.iloc[-1]
    in_block = (table["x"] // 200 == test.x // 200) & (table["y"] // 200 == test.y // 200)
    assert len(table) > 100
    assert not in_block.any()


def test_the_same_seed_proposes_the_same_places(ground):
    tables = [plan_survey(ground[0], SAMPLES, SurveyPlan(20, 100, seed)) for seed in (1, 1)]
    assert tables[0].equals(tables[1])


def test_rare_habitats_come_first_and_say_so(ground):
    table = plan_survey(ground[0], SAMPLES, SurveyPlan(60, 60))
    assert (table["reasons"].str.contains("rare")).any()
    is_c = (table["expected"] == "C") | (table["runner_up"] == "C")
    assert is_c[:20].mean() > 0.6
    assert set(";".join(table["reasons"]).split(";")) <= {"doubt", "rare", "novel", "spread"}


def test_places_do_not_all_ask_the_same_question(ground):
    table = plan_survey(ground[0], SAMPLES, SurveyPlan(60, 60))
    assert len(set(zip(table["expected"], table["runner_up"], strict=True))) == 3


def test_memory_stays_bounded_by_keeping_some_candidates(ground, monkeypatch):
    monkeypatch.setattr(survey_places, "MOST_CANDIDATES", 64)
    table = plan_survey(ground[0], SAMPLES, SurveyPlan(30, 50))
    assert 10 <= len(table) <= 30


def test_a_map_without_room_is_a_clear_error(ground):
    with pytest.raises(SampleError, match=r"no mapped cell lies 5000 m .* ask for a smaller distance"):
        plan_survey(ground[0], SAMPLES, SurveyPlan(10, 5000))


def test_ground_unlike_any_sample_is_novel():
    random = np.random.default_rng(0)
    known = random.normal(0, 1, (400, 12)).astype(np.float32)
    ground = KnownGround.of_cells(known, np.repeat(np.arange(40), 10), seed=0)
    like, unlike = ground.novelty(random.normal(0, 1, (200, 12)).astype(np.float32)), ground.novelty(known[:5] + 9)
    assert (like > 1).mean() < 0.15
    assert unlike.min() > 1
    assert KnownGround.of_cells(known[:1], np.zeros(1, int), seed=0).novelty(known[1:2])[0] >= 0


def test_places_are_proposed_from_a_shell(tmp_path, capsys):
    region = write_tiny_region(tmp_path / "tiny")
    with rasterio.open(region.stack[1], "r+") as relief:
        values = relief.read()
        values[0, 25:35, 20:30] = 4000  # a summit that no sample has seen
        relief.write(values)
    save_model(train_model(region.stack, read_sample_file(region.samples_file, field="code")), tmp_path / "m")
    outputs = ClassifyOutputs(tmp_path / "c.tif", tmp_path / "k.tif", tmp_path / "r.tif")
    classify_stack(region.stack, tmp_path / "m", outputs)
    words = ["where-to-survey", outputs.classes, "--confidence", outputs.confidence, "--runner-ups"]
    words += [outputs.runner_ups, "--samples", region.samples_file, "--stack", *region.stack]
    words += ["--count", 8, "--distance", 30, "--out", tmp_path / "places.gpkg"]
    assert main([str(word) for word in words]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    table = gpd.read_file(tmp_path / "places.gpkg")
    assert said["places"] == len(table) == 8
    assert set(table.columns) == {*survey_places.COLUMNS, "geometry"}
    assert said["reasons"].get("novel", 0) > 0
    again = [*words[:-1], tmp_path / "places.csv"]
    assert main([str(word) for word in again]) == 0
    assert (tmp_path / "places.csv").read_text(encoding="utf-8").startswith("rank,x,y,reasons,expected")
