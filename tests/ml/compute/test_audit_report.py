import json

import numpy as np
import pandas as pd
import pytest

from ml.compute.assessment import NOT_ASSESSABLE, assess_points
from ml.compute.audit_report import report_audit
from ml.compute.errors import AuditError
from tests.ml.compute.rasters import shared_path

PARENTS = {"E": "", "E1": "E", "E2": "E", "G": "", "G1": "G", "G3": "G", "X9": ""}


def points_of(*rows):
    """Rows of stratum, map, reference and how many times."""
    return pd.DataFrame([row[:3] for row in rows for _time in range(row[3])], columns=["stratum", "map", "reference"])


@pytest.mark.shared
def test_the_published_example_is_reproduced_to_three_decimals():
    example = json.loads(shared_path("reference/olofsson_2014_example.json").read_text())
    names, expected = example["classes"], example["expected"]
    points = points_of(
        *(
            (mapped, mapped, reference, count)
            for mapped, row in zip(names, example["counts"], strict=True)
            for reference, count in zip(names, row, strict=True)
        )
    )
    hectares = {
        name: pixels * example["pixel_m"] ** 2 / 10_000
        for name, pixels in zip(names, example["mapped_pixels"], strict=True)
    }
    report = report_audit(points, hectares, parents={})
    assert report["method"] == "Olofsson et al. 2014"
    assert round(report["overall_accuracy"]["estimate"], 3) == expected["overall_accuracy"]
    assert report["overall_accuracy"]["half_width_95"] == pytest.approx(expected["overall_half_width_95"], abs=6e-4)
    classes = [report["classes"][name] for name in names]
    assert [round(row["users_accuracy"]["estimate"], 3) for row in classes] == expected["users_accuracy"]
    producers = [row["producers_accuracy"]["estimate"] for row in classes]
    assert producers == pytest.approx(expected["producers_accuracy"], abs=6e-4)
    area = report["classes"]["deforestation"]["area"]
    assert round(area["estimate"]) == expected["area_ha_deforestation"]
    assert round(area["half_width_95"]) == expected["area_half_width_95_ha_deforestation"]


def test_a_rare_class_is_not_assessable_and_assessed_with_its_parent():
    points = points_of(("a", "E1", "E1", 40), ("a", "E2", "E1", 2), ("b", "G1", "G1", 40), ("b", "G1", "E2", 3))
    report = report_audit(points, {"a": 5e6, "b": 5e6}, parents=PARENTS)
    rare = report["classes"]["E2"]
    assert rare["users_accuracy"] == rare["area"] == NOT_ASSESSABLE
    assert (rare["assessable"], rare["assessed_at"]) == (False, "E")
    parent = report["parents"]["E"]
    assert parent["classes"] == ["E1", "E2"]
    assert parent["users_accuracy"]["estimate"] == 1
    assert parent["points_reference"] == 45
    alone = points.replace({"E1": "E", "E2": "E"})
    expected = assess_points(alone, {"a": 5e6, "b": 5e6}).classes["E"].producers_accuracy
    assert parent["producers_accuracy"]["standard_error"] == pytest.approx(expected.standard_error)
    assert report["classes"]["E1"]["assessed_at"] is None


def test_a_class_that_no_point_met_is_listed_and_has_no_figure():
    report = report_audit(points_of(("a", "E1", "E1", 40)), {"a": 1e6}, parents=PARENTS)
    assert report["classes"]["G3"] == {
        "points_mapped": 0,
        "points_reference": 0,
        "users_accuracy": NOT_ASSESSABLE,
        "producers_accuracy": NOT_ASSESSABLE,
        "area": NOT_ASSESSABLE,
        "assessable": False,
        "assessed_at": None,
    }
    assert "X9" in report["classes"]
    assert "E" not in report["classes"]
    assert report["classes"]["E2"]["assessed_at"] == "E"
    assert list(report["parents"]) == ["E"]


def test_points_that_nobody_could_interpret_are_counted_and_left_out():
    points = points_of(("a", "E1", "E1", 30), ("a", "E1", "G1", 10), ("a", "E1", "", 20))
    report = report_audit(points, {"a": 1e6}, parents=PARENTS)
    assert (report["points_drawn"], report["points"], report["points_not_interpretable"]) == (60, 40, 20)
    assert report["overall_accuracy"]["estimate"] == pytest.approx(0.75)
    assert report["strata"]["a"] == {"area": 1e6, "points": 60, "not_interpretable": 20}


def test_a_stratum_left_with_one_point_is_joined_to_the_one_nearest_in_weight():
    points = points_of(("a", "E1", "E1", 20), ("b", "G1", "G1", 20), ("c", "G1", "G1", 1), ("c", "G1", "", 3))
    report = report_audit(points, {"a": 1000.0, "b": 40.0, "c": 3.0}, parents=PARENTS)
    assert report["strata_joined"] == {"c": "b"}
    assert report["total_area"] == 1043
    assert report["points"] == 41


def test_nothing_to_say_is_said():
    with pytest.raises(AuditError, match="could be interpreted"):
        report_audit(points_of(("a", "E1", "", 20)), {"a": 1.0}, parents=PARENTS)


def test_the_report_is_the_same_whatever_the_order_of_the_points():
    points = points_of(("a", "E1", "E1", 33), ("a", "E2", "G1", 12), ("b", "G1", "G1", 17), ("b", "G1", "E2", 13))
    shuffled = points.sample(frac=1, random_state=3)
    reports = [json.dumps(report_audit(one, {"a": 3.0, "b": 7.0}, parents=PARENTS)) for one in (points, shuffled)]
    assert reports[0] == reports[1]


def test_the_95_percent_intervals_hold_the_truth_95_times_in_100():
    """A map whose errors are known, its strata being those of another year: 600 draws, one interval each."""
    rng = np.random.default_rng(12)
    truth = rng.choice(3, size=60_000, p=[0.6, 0.3, 0.1])
    mapped = np.where(rng.random(truth.size) < 0.85, truth, rng.integers(0, 3, truth.size))
    strata = np.where(rng.random(truth.size) < 0.9, mapped, rng.integers(0, 3, truth.size))
    sizes, codes = (300, 220, 150), np.array(["E1", "E2", "G1"])
    cells = [np.flatnonzero(strata == stratum) for stratum in range(3)]
    areas = {str(stratum): float(len(places)) for stratum, places in enumerate(cells)}
    true_values = {
        "overall": (mapped == truth).mean(),
        "users": (truth[mapped == 2] == 2).mean(),
        "producers": (mapped[truth == 2] == 2).mean(),
        "area": float((truth == 2).sum()),
    }
    held = dict.fromkeys(true_values, 0)
    draws = 600
    for _draw in range(draws):
        chosen = [rng.choice(places, size, replace=False) for places, size in zip(cells, sizes, strict=True)]
        picked = np.concatenate(chosen)
        points = pd.DataFrame(
            {
                "stratum": np.repeat(["0", "1", "2"], sizes),
                "map": codes[mapped[picked]],
                "reference": codes[truth[picked]],
            }
        )
        found = assess_points(points, areas)
        rare = found.classes["G1"]
        figures = {
            "overall": found.overall_accuracy,
            "users": rare.users_accuracy,
            "producers": rare.producers_accuracy,
            "area": rare.area,
        }
        for name, figure in figures.items():
            held[name] += abs(figure.estimate - true_values[name]) <= figure.half_width_95
    shares = {name: count / draws for name, count in held.items()}
    assert 0.93 <= shares["overall"] <= 0.975, shares
    assert all(0.91 <= shares[name] <= 0.985 for name in ("users", "area")), shares
    # A rare class's omissions are few and weigh much: the normal interval is known to be somewhat short there.
    assert 0.88 <= shares["producers"] <= 0.985, shares
