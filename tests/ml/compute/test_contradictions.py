import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from rasterio.crs import CRS
from shapely.geometry import Point, box

from ml.compute.__main__ import main
from ml.compute.contradictions import (
    COLUMNS,
    contradiction_table,
    held_out_contradictions,
    overlapping_contradictions,
)
from ml.compute.cross_validation import cross_validate, forest_learner
from ml.compute.grids import Grid
from ml.compute.hierarchy import Hierarchy
from ml.compute.samples import learning_cells
from ml.compute.selection import SETTINGS
from tests.ml.compute.noisy_ground import CODES, noisy_cells
from tests.ml.compute.tiny_regions import TRANSFORM, write_tiny_region

GRID = Grid(40, 30, TRANSFORM, CRS.from_epsg(2154))


def square(left, top, side):
    west, north = TRANSFORM @ (left, top)
    return box(west, north - side * 10, west + side * 10, north)


def samples_of(rows):
    code, date, geometry = zip(*rows, strict=True)
    return gpd.GeoDataFrame({"code": code, "date": date, "split": ""}, geometry=list(geometry), crs=2154)


def overlaps(samples, **options):
    found = overlapping_contradictions(samples, learning_cells(samples, GRID), GRID.width, **options)
    return [(one.kind, one.sample, one.other, one.cells, round(one.confidence, 2)) for one in found]


def test_two_samples_on_the_same_cells_with_different_codes_contradict_each_other():
    samples = samples_of(
        [
            ("A", "", square(0, 0, 4)),
            ("B", "", square(2, 0, 4)),
            ("A", "", square(0, 0, 3)),
            ("C", "", square(20, 20, 4)),
        ]
    )
    assert overlaps(samples) == [("same_place", 0, 1, 8, 0.5), ("same_place", 1, 2, 3, 0.33)]


def test_another_day_is_told_apart_and_points_of_one_cell_count():
    spot = Point(TRANSFORM @ (5.5, 5.5))
    samples = samples_of([("A", "2023-05-01", spot), ("B", "2024-05-01", spot), ("B", "2023-05-01", spot)])
    assert overlaps(samples) == [("other_date", 0, 1, 1, 1.0), ("same_place", 0, 2, 1, 1.0)]


def test_a_code_and_its_parent_agree():
    samples = samples_of([("E", "", square(0, 0, 4)), ("E1", "", square(0, 0, 4))])
    assert overlaps(samples, hierarchy=Hierarchy({"E1": "E"})) == []
    assert len(overlaps(samples)) == 1


def test_neighbours_that_touch_do_not_contradict_each_other():
    assert overlaps(samples_of([("A", "", square(0, 0, 5)), ("B", "", square(5, 0, 5))])) == []
    assert overlaps(samples_of([("A", "", square(0, 0, 5.2)), ("B", "", square(5, 0, 5))])) == []


def suspects_of(wrong, **options):
    cells, samples = noisy_cells(wrong=wrong)
    held = cross_validate(cells, forest_learner(SETTINGS[0], seed=0, trees=30), seed=0)
    return held_out_contradictions(held.shares, held.classes, samples[held.places], CODES, **options)


def test_wrong_labels_are_ranked_first():
    wrong = [4, 17, 31, 50]
    found = suspects_of(wrong)
    assert {one.sample for one in found[: len(wrong)]} == set(wrong)
    assert len(found) <= len(wrong) + 1
    assert all(one.other_code == CODES[one.sample % 3] for one in found[: len(wrong)])


def test_what_the_parent_explains_is_no_contradiction():
    assert len(suspects_of([4], hierarchy=Hierarchy({"A": "B", "C": "B"}))) == 0


def test_clean_samples_are_left_alone():
    assert suspects_of([]) == []


def test_a_class_seen_in_one_block_alone_is_not_judged():
    cells, _ = noisy_cells(blocks=9)
    lonely = cells.classes.copy()
    lonely[:6] = 3
    alone = type(cells)(cells.levels, lonely, cells.groups, cells.weights)
    held = cross_validate(alone, forest_learner(SETTINGS[0], seed=0, trees=10), seed=0)
    assert 0 not in held.places
    assert held.shares.shape[1] == 4
    one_block = type(cells)(cells.levels, cells.classes, cells.groups * 0, cells.weights)
    assert cross_validate(one_block, forest_learner(SETTINGS[0], seed=0), seed=0).places.size == 0


def test_the_table_of_nothing_has_its_columns_too():
    table = contradiction_table([], samples_of([("A", "", square(0, 0, 4))]))
    assert (len(table), {*COLUMNS, "geometry"} - set(table.columns)) == (0, set())


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    region = write_tiny_region(tmp_path_factory.mktemp("contradictions") / "tiny")
    frame = region.samples
    frame["key"] = [f"S{row}" for row in range(len(frame))]
    frame.loc[0, "code"] = "J2" if frame.loc[0, "code"] != "J2" else "G1.7"
    twice = frame[frame["split"] == "test"].head(1).assign(code="E9", key="twice", split="train")
    region.rewrite_samples(pd.concat([frame, twice], ignore_index=True))
    return region


def test_contradictions_are_listed_from_a_shell(region, tmp_path, capsys):
    words = ["contradictions", "--stack", *region.stack, "--samples", region.samples_file, "--out"]
    assert main([str(word) for word in (*words, tmp_path / "c.csv")]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    table = pd.read_csv(tmp_path / "c.csv", dtype=str, keep_default_na=False)
    assert said["contradictions"] == len(table)
    assert said["by_kind"]["same_place"] == 1
    pair = table[table["kind"] == "same_place"].iloc[0]
    assert (pair["other_key"], pair["other_code"], pair["confidence"]) == ("twice", "E9", "1.0")
    first = table[table["kind"] == "other_habitat"].iloc[0]
    assert (first["row"], first["key"], first["other_row"]) == ("1", "S0", "")
    assert main([str(word) for word in (*words, tmp_path / "c.gpkg")]) == 0
    assert len(gpd.read_file(tmp_path / "c.gpkg")) == len(table)
    capsys.readouterr()
    assert main([str(word) for word in (*words, tmp_path / "c.txt")]) == 2
    assert "name it .csv or .gpkg" in capsys.readouterr().err


def test_the_report_of_a_model_sums_them_up(region):
    from ml.compute.samples import read_sample_file
    from ml.compute.training import train_model

    held_out = train_model(region.stack, read_sample_file(region.samples_file, field="code")).report["held_out"]
    assert held_out["contradictions"]["worst"][0]["row"] == 1
    assert held_out["contradictions"]["samples"] >= 1
    assert np.isclose(held_out["levels"][0]["overall_accuracy"], held_out["levels"][-1]["overall_accuracy"])
