import numpy as np
import pandas as pd
import pytest

from ml.compute.assessment import NOT_ASSESSABLE, assess_points
from ml.compute.errors import AuditError

CLASSES = ["deforestation", "forest gain", "stable forest", "stable non-forest"]


def confusion(counts, codes):
    rows = [
        {"stratum": mapped, "map": mapped, "reference": reference, "points": count}
        for mapped, row in zip(codes, counts, strict=True)
        for reference, count in zip(codes, row, strict=True)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def olofsson_2014():
    """The published example: counts of table 8, mapped pixels of 30 m as hectares."""
    counts = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
    pixels = [200_000, 150_000, 3_200_000, 6_450_000]
    areas = {code: count * 0.09 for code, count in zip(CLASSES, pixels, strict=True)}
    return assess_points(confusion(counts, CLASSES), areas)


STEHMAN_AREAS = {"A": 40_000, "B": 30_000, "C": 20_000, "D": 10_000}


@pytest.fixture
def stehman_points():
    """The published example: 10 points in each of 4 strata that are not the map's classes."""
    strata = "A" * 10 + "B" * 10 + "C" * 10 + "D" * 10
    mapped = "A" * 7 + "B" * 3 + "A" + "B" * 11 + "C" * 6 + "B" * 2 + "D" * 10
    reference = "AAAAACBABC" + "ABBBBBAABB" + "CCCCCDDBBA" + "DDDDDDDCCB"
    return pd.DataFrame({"stratum": list(strata), "map": list(mapped), "reference": list(reference)})


@pytest.fixture
def stehman_2014(stehman_points):
    return assess_points(stehman_points, STEHMAN_AREAS, fewest_points=1)


def test_olofsson_2014_is_reproduced_to_three_decimals(olofsson_2014):
    assert olofsson_2014.strata_are_map_classes
    assert olofsson_2014.overall_accuracy.estimate == pytest.approx(0.947, abs=5e-4)
    assert olofsson_2014.overall_accuracy.half_width_95 == pytest.approx(0.018, abs=6e-4)
    users = [olofsson_2014.classes[code].users_accuracy.estimate for code in CLASSES]
    producers = [olofsson_2014.classes[code].producers_accuracy.estimate for code in CLASSES]
    assert users == pytest.approx([0.880, 0.733, 0.927, 0.963], abs=5e-4)
    assert producers == pytest.approx([0.749, 0.847, 0.935, 0.962], abs=6e-4)
    area = olofsson_2014.classes["deforestation"].area
    assert area.estimate == pytest.approx(21_158, abs=1)
    assert area.half_width_95 == pytest.approx(6_158, abs=1)


def test_stehman_2014_is_reproduced_to_three_decimals(stehman_2014):
    assert not stehman_2014.strata_are_map_classes
    assert stehman_2014.total_area == 100_000
    assert stehman_2014.overall_accuracy.estimate == pytest.approx(0.630, abs=5e-4)
    assert stehman_2014.overall_accuracy.standard_error == pytest.approx(0.085, abs=5e-4)
    assert stehman_2014.classes["A"].area.estimate == pytest.approx(35_000, abs=50)
    assert stehman_2014.classes["A"].area.standard_error == pytest.approx(8_200, abs=50)
    assert stehman_2014.classes["C"].area.estimate == pytest.approx(20_000, abs=50)
    assert stehman_2014.classes["C"].area.standard_error == pytest.approx(6_400, abs=50)
    assert stehman_2014.classes["B"].users_accuracy.estimate == pytest.approx(0.574, abs=5e-4)
    assert stehman_2014.classes["B"].users_accuracy.standard_error == pytest.approx(0.125, abs=5e-4)
    assert stehman_2014.classes["B"].producers_accuracy.estimate == pytest.approx(0.794, abs=5e-4)


@pytest.mark.parametrize("code", ["A", "B", "C", "D"])
def test_the_error_of_a_ratio_is_that_of_its_covariances(stehman_points, stehman_2014, code):
    right = ((stehman_points["map"] == code) & (stehman_points["reference"] == code)).astype(float)
    true = (stehman_points["reference"] == code).astype(float)
    figure = stehman_2014.classes[code].producers_accuracy
    variance, total = 0.0, 0.0
    for stratum, area in STEHMAN_AREAS.items():
        inside = stehman_points["stratum"] == stratum
        covariances = np.cov(right[inside], true[inside])
        spread = covariances[0, 0] + figure.estimate**2 * covariances[1, 1]
        variance += area**2 * (spread - 2 * figure.estimate * covariances[0, 1]) / inside.sum()
        total += area * true[inside].mean()
    assert figure.standard_error == pytest.approx(np.sqrt(variance) / total)


def test_areas_of_all_classes_add_up_to_the_map(olofsson_2014):
    areas = sum(figures.area.estimate for figures in olofsson_2014.classes.values())
    assert areas == pytest.approx(olofsson_2014.total_area)


def test_a_class_with_too_few_points_is_not_assessable():
    counts = [[40, 3, 0], [2, 30, 1], [1, 0, 2]]
    report = assess_points(confusion(counts, ["E1", "F3", "H2"]), {"E1": 50, "F3": 40, "H2": 1}).as_json()
    few = report["classes"]["H2"]
    assert (few["points_mapped"], few["points_reference"]) == (3, 3)
    assert few["users_accuracy"] == few["producers_accuracy"] == few["area"] == NOT_ASSESSABLE
    assert not few["assessable"]
    assert report["classes"]["E1"]["assessable"]
    assert report["classes"]["E1"]["users_accuracy"]["estimate"] == pytest.approx(40 / 43)


def test_a_class_the_map_never_shows_still_has_a_producers_accuracy():
    points = pd.DataFrame({"stratum": ["s"] * 40, "map": ["E1"] * 40, "reference": ["E1"] * 20 + ["C1"] * 20})
    missed = assess_points(points, {"s": 10}).classes["C1"]
    assert missed.users_accuracy is None
    assert missed.producers_accuracy.estimate == 0
    assert missed.area.estimate == pytest.approx(5)


def test_intervals_stay_within_what_is_possible():
    points = confusion([[11, 1], [1, 11]], ["E1", "F3"])
    overall = assess_points(points, {"E1": 1, "F3": 1}).overall_accuracy
    assert overall.low_95 == pytest.approx(overall.estimate - overall.half_width_95)
    assert overall.high_95 == 1


@pytest.mark.parametrize(
    ("areas", "message"),
    [
        ({"E1": 5}, "Stratum 'F3' has points but no area"),
        ({"E1": 5, "F3": 2, "H2": 1}, r"Stratum 'H2' has 0 point\(s\) and needs 2"),
    ],
)
def test_strata_without_points_or_area_are_named(areas, message):
    with pytest.raises(AuditError, match=message):
        assess_points(confusion([[11, 1], [1, 11]], ["E1", "F3"]), areas)
