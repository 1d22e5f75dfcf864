"""How well a class map agrees with the samples kept for testing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from ml.compute.classmaps import class_codes
from ml.compute.errors import SampleError
from ml.compute.grids import grid_of, open_raster
from ml.compute.samples import Cells, cells_of_samples
from ml.compute.vectors import in_crs

NO_DATA = ""


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class; `support` counts its true cells."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class LabelScores:
    """Scores of predicted labels; confusion rows are true labels, columns predicted ones."""

    macro_f1: float
    overall_accuracy: float
    per_class: dict[Any, ClassScore]
    labels: list[Any]
    matrix: list[list[int]]


@dataclass(frozen=True)
class Scores:
    """Scores of a class map on its test samples."""

    macro_f1: float
    overall_accuracy: float
    test_samples: int
    test_cells: int
    per_class: dict[str, ClassScore]
    confusion: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, texts, lists and dictionaries."""
        return asdict(self)


def score_labels(truth: NDArray[Any], predicted: NDArray[Any], *, labels: Sequence[Any] | None = None) -> LabelScores:
    """Compare labels, cell by cell.

    Args:
        truth: (cells,) true labels.
        predicted: (cells,) predicted labels; any label outside `truth` counts as wrong.
        labels: the classes averaged; the ones present in `truth` where None.

    Returns:
        Macro-F1 over `labels`, overall accuracy over all cells, and both per class; a class never
        predicted has a precision and an F1 of 0.
    """
    chosen = sorted(set(truth.tolist())) if labels is None else list(labels)
    columns = chosen + sorted(set(predicted.tolist()) - set(chosen))
    place = {label: index for index, label in enumerate(columns)}
    matrix = np.zeros((len(columns), len(columns)), np.int64)
    counted = np.array([label in place for label in truth.tolist()], bool)
    rows = [place[label] for label in truth[counted].tolist()]
    np.add.at(matrix, (rows, [place[label] for label in predicted[counted].tolist()]), 1)
    wrong_elsewhere = np.array([place[label] for label in predicted[~counted].tolist()], np.intp)
    predicted_counts = matrix.sum(axis=0) + np.bincount(wrong_elsewhere, minlength=len(columns))
    per_class = {
        label: _class_score(int(matrix[i, i]), int(matrix[i].sum()), int(predicted_counts[i]))
        for i, label in enumerate(chosen)
    }
    return LabelScores(
        macro_f1=float(np.mean([score.f1 for score in per_class.values()])) if per_class else 0.0,
        overall_accuracy=float((truth == predicted).mean()) if truth.size else 0.0,
        per_class=per_class,
        labels=columns,
        matrix=matrix[: len(chosen)].tolist(),
    )


def score_class_map(classes_path: Path, samples: gpd.GeoDataFrame, field: str = "code") -> Scores:
    """Score a class raster on the cells whose centre is inside a sample with the split `test`.

    A point stands for the cell that holds it. A cell without data counts as wrong; the average runs over
    the classes present in the test samples.

    Args:
        classes_path: as `classify_stack` writes it.
        samples: with the columns `field` and split.
        field: the column of the codes.

    Returns:
        The scores; the label of cells without data is the empty text.

    Raises:
        SampleError: no test sample covers a cell of the raster.
        RasterError: the raster cannot be read.
    """
    tests = samples[(samples["split"] == "test").to_numpy()].reset_index(drop=True)
    codes = class_codes(classes_path)
    with open_raster(classes_path) as source:
        grid = grid_of(source, classes_path)
        values = source.read(1)
    cells = cells_of_samples(in_crs(tests, CRS.from_user_input(grid.crs)), grid)
    if not cells.rows.size:
        raise SampleError(
            f"{classes_path}: no sample with the split 'test' covers a cell; add test samples or none is scored."
        )
    predicted = np.array([codes.get(int(value), NO_DATA) for value in values[cells.rows, cells.columns]], object)
    return score_cells(tests[field], cells, predicted)


def score_cells(codes: "pd.Series[Any]", cells: Cells, predicted: NDArray[Any]) -> Scores:
    """Compare the labels of test cells with the codes of their samples.

    Args:
        codes: (samples,) the true code of each test sample.
        cells: the cells of these samples.
        predicted: (cells,) labels; the empty text where there is no data.
    """
    truth = codes.astype(str).to_numpy(object)[cells.samples]
    scores = score_labels(truth, predicted)
    return Scores(
        macro_f1=scores.macro_f1,
        overall_accuracy=scores.overall_accuracy,
        test_samples=int(np.unique(cells.samples).size),
        test_cells=int(cells.rows.size),
        per_class=scores.per_class,
        confusion={"labels": scores.labels, "matrix": scores.matrix},
    )


def _class_score(right: int, support: int, predicted: int) -> ClassScore:
    precision = right / predicted if predicted else 0.0
    recall = right / support if support else 0.0
    f1 = 2 * right / (support + predicted) if support + predicted else 0.0
    return ClassScore(precision, recall, f1, support)
