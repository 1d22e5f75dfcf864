"""A model on the blocks that never train, and two models side by side on the same ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from pyproj import CRS

from ml.compute.errors import SampleError
from ml.compute.extraction import extract_features
from ml.compute.features import bind_recipe
from ml.compute.model_files import TrainedModel
from ml.compute.recipes import survey_stack
from ml.compute.samples import cells_of_samples
from ml.compute.scores import NO_DATA, Scores, score_cells
from ml.compute.stacks import open_stack
from ml.compute.vectors import in_crs


def score_model(
    model: TrainedModel, stack_paths: Sequence[Path], samples: gpd.GeoDataFrame, *, field: str = "code"
) -> Scores:
    """Score a model on the cells of the samples whose split is `test`, without mapping the whole stack.

    Args:
        model: trained on this stack or, where the series have the same names, on another year's.
        stack_paths: rasters on one grid.
        samples: with the columns `field` and split.
        field: the column of the codes.

    Returns:
        The same scores as `score_class_map` on the raster of this model.

    Raises:
        SampleError: no test sample covers a cell.
        StackError: the stack lacks a series of the model.
    """
    stack = open_stack(stack_paths)
    tests = samples[(samples["split"] == "test").to_numpy()].reset_index(drop=True)
    cells = cells_of_samples(in_crs(tests, CRS.from_user_input(stack.grid.crs)), stack.grid)
    if not cells.rows.size:
        raise SampleError(
            f"{stack.paths[0].parent}: no sample with the split 'test' covers a cell; add samples in more places, "
            "or mark some of them as test."
        )
    sources = bind_recipe(model.recipe, stack, survey_stack(stack))
    extraction = extract_features(stack, model.recipe, sources, cells.places(stack.grid.width))
    levels = np.ascontiguousarray(model.levels.of_cells(extraction.values).T)
    shares = model.classifier.shares(levels)
    codes = np.array(model.codes, object)
    predicted = np.where(extraction.seen, codes[shares.argmax(axis=1)], NO_DATA)
    return score_cells(tests[field], cells, predicted)


def compare_scores(candidate: Mapping[str, Any], current: Mapping[str, Any], *, tolerance: float) -> dict[str, Any]:
    """Say how a candidate does beside the current version.

    Args:
        candidate: scores, as `Scores.as_json` gives them.
        current: scores on the same cells.
        tolerance: loss of macro-F1 below which the candidate is not worse.

    Returns:
        `verdict` (better, equal, worse), `macro_f1` and `per_class` (F1) with `candidate` and `current`.
    """
    difference = candidate["macro_f1"] - current["macro_f1"]
    verdict = "worse" if difference < -tolerance else "better" if difference > 0 else "equal"
    codes = sorted({*candidate["per_class"], *current["per_class"]})
    return {
        "verdict": verdict,
        "tolerance": tolerance,
        "macro_f1": {"candidate": candidate["macro_f1"], "current": current["macro_f1"]},
        "per_class": {
            code: {
                "candidate": candidate["per_class"].get(code, {}).get("f1"),
                "current": current["per_class"].get(code, {}).get("f1"),
            }
            for code in codes
        },
    }
