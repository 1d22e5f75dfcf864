"""Confidence that means what it says: of the cells given 80, eighty in a hundred are right."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from ml.compute.sharpness import fit_sharpness, sharpen

BINS = 10
FOLDS = 5
_LOWEST_CONFIDENCE = 0.005


@dataclass(frozen=True)
class Reliability:
    """How far confidence is from the share of right cells.

    Attributes:
        log_loss: mean surprise, in nats, at whether the chosen class was right.
        brier: mean squared difference between confidence and being right.
        expected_error: mean difference between confidence and share of right cells over ten equal bins (ECE).
        bins: for each bin with cells: lowest confidence, cells, mean confidence, share right.
    """

    log_loss: float
    brier: float
    expected_error: float
    bins: list[dict[str, float]]

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, rounded."""
        return {
            "log_loss": round(self.log_loss, 4),
            "brier": round(self.brier, 4),
            "ece": round(self.expected_error, 4),
            "bins": self.bins,
        }


@dataclass(frozen=True)
class Calibration:
    """How shares become confidence.

    Attributes:
        sharpness: power to which shares are raised before they are made to sum to 1 again.
        before: reliability of the shares as they are; None where nothing could be held out.
        after: the same with powers fitted on other blocks.
    """

    sharpness: float
    before: Reliability | None
    after: Reliability | None

    def as_json(self) -> dict[str, Any]:
        """For the report of a model."""
        return {
            "sharpness": self.sharpness,
            "before": self.before.as_json() if self.before else None,
            "after": self.after.as_json() if self.after else None,
        }


def measure_reliability(confidence: NDArray[np.float64], is_right: NDArray[np.bool_]) -> Reliability:
    """Compare confidence with what turned out right.

    Args:
        confidence: (cells,) 0-1.
        is_right: (cells,).

    Returns:
        The figures; zeros without cells.
    """
    right, cells = is_right.astype(float), max(1, confidence.size)
    bin_of = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(bin_of, minlength=BINS)
    filled = np.flatnonzero(counts)
    means = np.bincount(bin_of, confidence, BINS)[filled] / counts[filled]
    shares = np.bincount(bin_of, right, BINS)[filled] / counts[filled]
    sure = np.clip(np.where(is_right, confidence, 1 - confidence), _LOWEST_CONFIDENCE, 1)
    return Reliability(
        log_loss=float(-np.log(sure).sum() / cells),
        brier=float(((confidence - right) ** 2).sum() / cells),
        expected_error=float((np.abs(means - shares) * counts[filled]).sum() / cells),
        bins=[
            {"from": one / BINS, "cells": int(counts[one]), "confidence": round(mean, 3), "right": round(share, 3)}
            for one, mean, share in zip(filled.tolist(), means.tolist(), shares.tolist(), strict=True)
        ],
    )


def calibrate(shares: NDArray[np.float32], classes: NDArray[np.intp], groups: NDArray[np.intp]) -> Calibration:
    """Fit the power, and measure what it does on blocks that neither the learner nor the power has seen.

    Args:
        shares: (cells, classes) held-out shares of cells whose class was learned elsewhere: a class that could not
            be known would draw every share to the middle.
        classes: (cells,) place of the true class.
        groups: (cells,) spatial block of each cell.

    Returns:
        The power, and reliability before and after it; without cells, a power of 1.
    """
    if not classes.size:
        return Calibration(1.0, None, None)
    is_right = shares.argmax(axis=1) == classes
    before = measure_reliability(shares.max(axis=1).astype(float), is_right)
    after = before
    if np.unique(groups).size > 1:
        after = measure_reliability(_cross_fitted(shares, classes, groups), is_right)
    return Calibration(fit_sharpness(shares, classes), before, after)


def _cross_fitted(
    shares: NDArray[np.float32], classes: NDArray[np.intp], groups: NDArray[np.intp]
) -> NDArray[np.float64]:
    """(cells,) confidence under powers fitted on other groups."""
    confidence = np.empty(classes.size)
    folds = min(FOLDS, np.unique(groups).size)
    for learned, held in GroupKFold(folds).split(shares, groups=groups):
        confidence[held] = sharpen(shares[held], fit_sharpness(shares[learned], classes[learned])).max(axis=1)
    return confidence
