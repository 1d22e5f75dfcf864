"""Confidence that means what it says: of the cells given 80, eighty in a hundred are right."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GroupKFold

FULL = 100
BINS = 10
SHARPNESSES = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0)
# Under so many groups a curve would follow the chance of a few places: shares stay as they are.
FEWEST_GROUPS = 8
FOLDS = 5
# A curve replaces the simpler one only where it explains held-out blocks better by this much log loss.
MARGIN = 0.005
# How strongly the logistic curve is drawn to the diagonal, in pseudo-groups.
DIAGONAL_WEIGHT = 4.0
_LOWEST = 0.005
_LOWEST_SHARE = 0.001

Curve = NDArray[np.float64]
Fit = Callable[[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]], Curve]
_PERCENTS = np.arange(FULL + 1) / FULL


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
    """A curve from the confidence of the forest to the share of right cells.

    Attributes:
        method: `none`, `logistic` or `isotonic`.
        curve: (101,) percent by percent, 0-100, never falling.
        before: reliability over held-out blocks without the curve; None where nothing could be held out.
        after: the same with curves fitted on other blocks.
        losses: log loss over held-out blocks of each method tried.
    """

    method: str
    curve: NDArray[np.uint8]
    before: Reliability | None
    after: Reliability | None
    losses: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """For the report of a model."""
        return {
            "method": self.method,
            "log_loss_by_method": {name: round(loss, 4) for name, loss in self.losses.items()},
            "before": self.before.as_json() if self.before else None,
            "after": self.after.as_json() if self.after else None,
        }


def identity_curve() -> NDArray[np.uint8]:
    """The curve that changes nothing."""
    return np.arange(FULL + 1, dtype=np.uint8)


def measure_reliability(confidence: NDArray[np.float64], is_right: NDArray[np.bool_]) -> Reliability:
    """Compare confidence with what turned out right.

    Args:
        confidence: (cells,) 0-1.
        is_right: (cells,).

    Returns:
        The figures; zeros without cells.
    """
    right = is_right.astype(float)
    bin_of = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(bin_of, minlength=BINS)
    filled = np.flatnonzero(counts)
    means = np.bincount(bin_of, confidence, BINS)[filled] / counts[filled]
    shares = np.bincount(bin_of, right, BINS)[filled] / counts[filled]
    cells = max(1, confidence.size)
    return Reliability(
        log_loss=_log_loss(confidence, is_right, np.full(confidence.size, 1 / cells)),
        brier=float(((confidence - right) ** 2).sum() / cells),
        expected_error=float((np.abs(means - shares) * counts[filled]).sum() / cells),
        bins=[
            {"from": one / BINS, "cells": int(counts[one]), "confidence": round(mean, 3), "right": round(share, 3)}
            for one, mean, share in zip(filled.tolist(), means.tolist(), shares.tolist(), strict=True)
        ],
    )


def fit_sharpness(shares: NDArray[np.float32], classes: NDArray[np.intp], groups: NDArray[np.intp]) -> float:
    """The power under which held-out shares are least surprised by the true classes.

    Args:
        shares: (cells, classes) of cells whose class was learned elsewhere: one that could not be known would draw
            every share to the middle.
        classes: (cells,) place of the true class.
        groups: (cells,) spatial block of each cell.

    Returns:
        One of SHARPNESSES; 1, which changes nothing, without cells.
    """
    if not classes.size:
        return 1.0
    logs, weights, cells = np.log(np.maximum(shares, _LOWEST_SHARE)), _weights(groups), np.arange(classes.size)

    def surprise(sharpness: float) -> float:
        totals = np.logaddexp.reduce(sharpness * logs, axis=1)
        return float((weights * (totals - sharpness * logs[cells, classes])).sum())

    return min(SHARPNESSES, key=surprise)


def calibrate(confidence: NDArray[np.float64], is_right: NDArray[np.bool_], groups: NDArray[np.intp]) -> Calibration:
    """Choose the curve that explains best what was right on blocks that neither forest nor curve has seen.

    Each group weighs as the square root of its cells: neighbours repeat each other.

    Args:
        confidence: (cells,) held-out share of the chosen class, 0-1.
        is_right: (cells,) whether that class was the right one.
        groups: (cells,) spatial block of each cell.

    Returns:
        The simplest of none, logistic and isotonic that none beats by MARGIN; none under FEWEST_GROUPS groups.
    """
    if not confidence.size:
        return Calibration("none", identity_curve(), None, None, {})
    before = measure_reliability(confidence, is_right)
    if np.unique(groups).size < FEWEST_GROUPS or is_right.all() or not is_right.any():
        return Calibration("none", identity_curve(), before, before, {})
    weights = _weights(groups)
    held = {name: _held_out(fit, confidence, is_right, groups) for name, fit in _METHODS.items()}
    losses = {name: _log_loss(values, is_right, weights) for name, values in held.items()}
    method = next(name for name in _METHODS if losses[name] <= min(losses.values()) + MARGIN)
    curve = np.rint(FULL * _METHODS[method](confidence, is_right, weights)).astype(np.uint8)
    return Calibration(method, curve, before, measure_reliability(held[method], is_right), losses)


def calibrated_percents(percents: NDArray[np.uint8], curve: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Apply a curve to the best shares of cells.

    Args:
        percents: (cells, ranks) 0-100, largest first.
        curve: (101,).

    Returns:
        (cells, ranks): the first follows the curve, the others share what is left in their old proportions,
        none above the first.
    """
    top = curve[percents[:, 0]].astype(np.int64)
    rest = np.maximum(FULL - percents[:, 0].astype(np.int64), 1)
    others = (percents[:, 1:] * (FULL - top)[:, None] + rest[:, None] // 2) // rest[:, None]
    return np.column_stack([top, np.minimum(others, top[:, None])]).astype(np.uint8)


def _weights(groups: NDArray[np.intp]) -> NDArray[np.float64]:
    """(cells,) summing to 1."""
    _, where, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = counts[where.reshape(-1)] ** -0.5
    return np.asarray(weights / weights.sum())


def _log_loss(confidence: NDArray[np.float64], is_right: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    sure = np.clip(np.where(is_right, confidence, 1 - confidence), _LOWEST, 1)
    return float(-(weights * np.log(sure)).sum())


def _held_out(
    fit: Fit, confidence: NDArray[np.float64], is_right: NDArray[np.bool_], groups: NDArray[np.intp]
) -> NDArray[np.float64]:
    """(cells,) calibrated by curves fitted on other groups."""
    values = np.empty(confidence.size)
    for learned, held in GroupKFold(FOLDS).split(confidence, groups=groups):
        curve = fit(confidence[learned], is_right[learned], _weights(groups[learned]))
        values[held] = np.interp(confidence[held], _PERCENTS, curve)
    return values


def _diagonal(confidence: NDArray[np.float64], is_right: NDArray[np.bool_], weights: NDArray[np.float64]) -> Curve:  # noqa: ARG001 - one of the fits
    return _PERCENTS


def _logistic(confidence: NDArray[np.float64], is_right: NDArray[np.bool_], weights: NDArray[np.float64]) -> Curve:
    """A slope and a shift on the scale of log odds, drawn to the diagonal where there is little to learn from."""
    odds = _log_odds(confidence)
    pull = DIAGONAL_WEIGHT * float((weights**2).sum())

    def loss(parameters: NDArray[np.float64]) -> float:
        slope, shift = np.exp(parameters[0]), parameters[1]
        signed = np.where(is_right, 1, -1) * (slope * odds + shift)
        return float((weights * np.logaddexp(0, -signed)).sum() + pull * (parameters**2).sum())

    fitted = minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return np.asarray(1 / (1 + np.exp(-(np.exp(fitted[0]) * _log_odds(_PERCENTS) + fitted[1]))))


def _isotonic(confidence: NDArray[np.float64], is_right: NDArray[np.bool_], weights: NDArray[np.float64]) -> Curve:
    fitted = IsotonicRegression(y_min=_LOWEST, y_max=1 - _LOWEST, out_of_bounds="clip")
    fitted.fit(confidence, is_right.astype(float), sample_weight=weights)
    return np.asarray(fitted.predict(_PERCENTS), float)


def _log_odds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(shares, _LOWEST, 1 - _LOWEST)
    return np.asarray(np.log(clipped / (1 - clipped)))


_METHODS: dict[str, Fit] = {"none": _diagonal, "logistic": _logistic, "isotonic": _isotonic}
