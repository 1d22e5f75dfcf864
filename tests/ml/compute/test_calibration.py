import numpy as np
import pytest

from ml.compute.calibration import (
    calibrate,
    calibrated_percents,
    identity_curve,
    measure_reliability,
)


def overconfident(*, groups=60, cells=40, seed=0):
    """Cells whose true chance of being right is the square of the confidence given."""
    random = np.random.default_rng(seed)
    confidence = random.uniform(0.3, 1, groups * cells)
    return confidence, random.random(confidence.size) < confidence**2, np.repeat(np.arange(groups), cells)


def test_confidence_that_is_right_as_often_as_it_says_has_no_error():
    confidence = np.repeat([0.25, 0.75], 400)
    is_right = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    figures = measure_reliability(confidence, is_right)
    assert figures.expected_error == pytest.approx(0, abs=1e-9)
    assert figures.brier == pytest.approx(0.1875)
    assert [one["cells"] for one in figures.bins] == [400, 400]


def test_a_curve_lowers_the_error_on_blocks_that_it_has_not_seen():
    fitted = calibrate(*overconfident())
    assert fitted.method in ("logistic", "isotonic")
    assert fitted.after.expected_error < fitted.before.expected_error / 2
    confidence, is_right, _ = overconfident(seed=1)
    raw = measure_reliability(confidence, is_right)
    percents = np.rint(confidence * 100).astype(np.uint8)
    new = measure_reliability(fitted.curve[percents] / 100, is_right)
    assert new.expected_error < raw.expected_error / 2
    assert new.log_loss < raw.log_loss
    assert (np.diff(fitted.curve.astype(int)) >= 0).all()


def test_shares_that_are_right_already_are_left_alone():
    random = np.random.default_rng(3)
    confidence = random.uniform(0.3, 1, 2400)
    fitted = calibrate(confidence, random.random(2400) < confidence, np.repeat(np.arange(60), 40))
    assert fitted.method == "none"
    assert fitted.curve.tolist() == identity_curve().tolist()


def test_a_few_places_are_too_few_to_draw_a_curve_from():
    confidence, is_right, _ = overconfident(groups=6)
    fitted = calibrate(confidence, is_right, np.repeat(np.arange(6), 40))
    assert fitted.method == "none"
    assert fitted.before is not None
    assert calibrate(np.empty(0), np.empty(0, bool), np.empty(0, np.intp)).before is None
    assert calibrate(confidence, np.ones(confidence.size, bool), np.repeat(np.arange(60), 4)).method == "none"


def test_runner_ups_share_what_the_first_class_leaves_and_stay_under_it():
    curve = identity_curve()
    curve[80], curve[50] = 60, 40
    percents = np.array([[80, 15, 5], [50, 45, 5], [100, 0, 0]], np.uint8)
    assert calibrated_percents(percents, curve).tolist() == [[60, 30, 10], [40, 40, 6], [100, 0, 0]]
    assert calibrated_percents(percents, identity_curve()).tolist() == percents.tolist()
