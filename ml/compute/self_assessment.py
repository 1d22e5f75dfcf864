"""What a model knows of its own faults, from blocks held out of its training samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compute.calibration import Calibration, calibrate
from ml.compute.contradictions import Contradiction, held_out_contradictions
from ml.compute.cross_validation import CrossValidated, Shares
from ml.compute.fallback import Branches, FallbackRule, choose_threshold
from ml.compute.hierarchy import Hierarchy, score_levels
from ml.compute.scores import score_labels
from ml.compute.sharpness import sharpen

RANKS = 3
# A report lists the worst; the command `contradictions` lists all.
MOST_LISTED = 20
# Where the truth is known, three in four of these were wrong.
SURE = 0.9


@dataclass(frozen=True)
class SelfAssessment:
    """What held-out blocks say of a model.

    Attributes:
        calibration: how shares become confidence.
        fallback: when a cell keeps its class; None where no class has a parent.
        report: reliability, scores per level and class, and contradictions, ready for JSON.
    """

    calibration: Calibration
    fallback: FallbackRule | None
    report: dict[str, Any]


def assess_itself(
    held: CrossValidated, samples: NDArray[np.intp], codes: Sequence[str], hierarchy: Hierarchy
) -> SelfAssessment:
    """Judge a model by cells whose block it had not seen.

    Args:
        held: cross-validated shares.
        samples: (judged,) the sample of each judged cell, numbered as in the file.
        codes: code of each class by place.
        hierarchy: the legend's tree.

    Returns:
        The assessment; without judged cells, a power of 1 and a report that says so.
    """
    calibration = calibrate(held.shares, held.classes, held.groups)
    ranks, percents = best_classes(sharpen(held.shares, calibration.sharpness))
    fallback = None
    if hierarchy.depth(codes) > 1:
        branches = Branches.of_classes(codes, hierarchy)
        fallback = choose_threshold(ranks, percents, held.classes, branches)
    found = held_out_contradictions(held.shares, held.classes, samples, codes, hierarchy=hierarchy)
    report = {
        "cells": int(held.places.size),
        "samples": int(np.unique(samples).size),
        "reliability": calibration.as_json(),
        "fallback": fallback.as_json() if fallback else None,
        **_scores(held, codes, hierarchy),
        "contradictions": {
            "samples": len(found),
            "sure": sum(one.confidence >= SURE for one in found),
            "worst": _worst(found, codes, held, samples),
        },
    }
    return SelfAssessment(calibration, fallback, report)


def best_classes(shares: Shares) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """The best classes of cells, as a map publishes them.

    Args:
        shares: (cells, classes) summing to 1.

    Returns:
        (cells, RANKS) places of the classes, -1 where a share is 0, and (cells, RANKS) percents.
    """
    count = min(RANKS, shares.shape[1])
    ranks = np.full((len(shares), RANKS), -1, np.intp)
    percents = np.zeros((len(shares), RANKS), np.uint8)
    ranks[:, :count] = np.argsort(-shares, axis=1, kind="stable")[:, :count]
    known = np.take_along_axis(shares, ranks[:, :count], axis=1)
    percents[:, :count] = np.rint(100 * known)
    ranks[:, 1:count][known[:, 1:] <= 0] = -1
    return ranks, percents


def _scores(held: CrossValidated, codes: Sequence[str], hierarchy: Hierarchy) -> dict[str, Any]:
    if not held.places.size:
        return {"levels": [], "per_class": {}}
    names = np.array(codes, object)
    truth, predicted = names[held.classes], names[held.top]
    per_class = score_labels(truth, predicted).per_class
    return {
        "levels": [one.as_json() for one in score_levels(truth, predicted, hierarchy)],
        "per_class": {code: {"f1": round(one.f1, 3), "cells": one.support} for code, one in per_class.items()},
    }


def _worst(
    found: Sequence[Contradiction], codes: Sequence[str], held: CrossValidated, samples: NDArray[np.intp]
) -> list[dict[str, Any]]:
    code_of = dict(zip(samples.tolist(), held.classes.tolist(), strict=True))
    return [
        {
            "row": one.sample + 1,
            "code": codes[code_of[one.sample]],
            "looks_like": one.other_code,
            "confidence": round(one.confidence, 3),
        }
        for one in found[:MOST_LISTED]
    ]
