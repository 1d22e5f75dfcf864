import numpy as np
import pytest

from ml.compute.calibration import calibrate, measure_reliability
from ml.compute.sharpness import fit_sharpness, sharpen


def doubtful(*, groups=60, cells=40, power=2.0, seed=0):
    """Shares whose truth follows them once raised to `power`."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet([1.0, 0.7, 0.5], groups * cells).astype(np.float32)
    truth = sharpen(shares, power).cumsum(axis=1) / 1.0000001
    classes = (random.random((groups * cells, 1)) > truth).sum(axis=1)
    return shares, np.minimum(classes, 2), np.repeat(np.arange(groups), cells)


def test_confidence_that_is_right_as_often_as_it_says_has_no_error():
    confidence = np.repeat([0.25, 0.75], 400)
    is_right = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    figures = measure_reliability(confidence, is_right)
    assert figures.expected_error == pytest.approx(0, abs=1e-9)
    assert figures.brier == pytest.approx(0.1875)
    assert [one["cells"] for one in figures.bins] == [400, 400]
    assert measure_reliability(np.empty(0), np.empty(0, bool)).expected_error == 0


def test_the_power_that_made_the_truth_is_found():
    for power in (0.6, 1.0, 2.0):
        shares, classes, _ = doubtful(power=power)
        assert fit_sharpness(shares, classes) == pytest.approx(power, rel=0.15)


def test_confidence_is_nearer_to_the_truth_on_blocks_that_nothing_was_fitted_on():
    fitted = calibrate(*doubtful())
    assert fitted.after.expected_error < fitted.before.expected_error / 2
    assert fitted.after.log_loss < fitted.before.log_loss
    shares, classes, _ = doubtful(seed=1)
    right = shares.argmax(axis=1) == classes
    raw = measure_reliability(shares.max(axis=1).astype(float), right)
    new = measure_reliability(sharpen(shares, fitted.sharpness).max(axis=1).astype(float), right)
    assert new.expected_error < raw.expected_error / 2
    assert new.brier < raw.brier


def test_without_held_out_cells_shares_stay_as_they_are():
    nothing = calibrate(np.empty((0, 3), np.float32), np.empty(0, int), np.empty(0, int))
    assert (nothing.sharpness, nothing.before, nothing.after) == (1.0, None, None)
    shares, classes, groups = doubtful(groups=1)
    alone = calibrate(shares, classes, groups)
    assert alone.after is alone.before
