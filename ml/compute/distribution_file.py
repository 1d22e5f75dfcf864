"""A species' model as one file of arrays and JSON: reading it runs no code."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ml.compute.balanced_forest import BalancedForest
from ml.compute.distribution import DistributionModel
from ml.compute.errors import ModelFileError
from ml.compute.files import written_aside
from ml.compute.forest import PackedForest
from ml.compute.predictor_table import PredictorEncoder
from ml.compute.response_curves import ResponseCurves

FORMAT = "bioccia distribution 1"


def save_distribution(model: DistributionModel, path: Path) -> None:
    """Write a fitted model.

    Args:
        model: fitted.
        path: file to write.

    Raises:
        ComputeError: the disk is full.
    """
    description = {
        "format": FORMAT,
        "categorical": list(model.categorical),
        "seed": model.seed,
        "encoder": asdict(model.encoder),
        "class_count": model.forest.packed.class_count,
    }
    arrays = {f"curves.{name}": value for name, value in asdict(model.curves).items()}
    arrays |= {f"forest.{name}": getattr(model.forest.packed, name) for name in _forest_arrays()}
    arrays |= {f"edges.{place}": edges for place, edges in enumerate(model.forest.edges)}
    with written_aside(path) as aside, aside.open("wb") as stream:
        np.savez_compressed(stream, description=np.array(json.dumps(description)), **arrays)


def load_distribution(path: Path) -> DistributionModel:
    """Read a model written by `save_distribution`.

    Raises:
        ModelFileError: the file is missing or is no such model.
    """
    if not path.is_file():
        raise ModelFileError(f"{path}: the model is missing; fit it or correct the path.")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        description = json.loads(str(arrays["description"]))
        if description["format"] != FORMAT:
            raise ModelFileError(f"{path}: written as '{description['format']}'; fit the model again.")
        return _rebuild(description, arrays)
    except (BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: not a model of a species; fit it again.") from error


def _rebuild(description: dict[str, Any], arrays: dict[str, NDArray]) -> DistributionModel:
    model = DistributionModel(categorical=tuple(description["categorical"]), seed=description["seed"])
    model.encoder = PredictorEncoder(**description["encoder"])
    model.curves = ResponseCurves(**{row.name: arrays[f"curves.{row.name}"] for row in fields(ResponseCurves)})
    packed = {name: arrays[f"forest.{name}"] for name in _forest_arrays()}
    edges = [arrays[f"edges.{place}"] for place in range(len(model.encoder.columns))]
    model.forest = BalancedForest(edges, PackedForest(**packed, class_count=description["class_count"]))
    return model


def _forest_arrays() -> list[str]:
    return [row.name for row in fields(PackedForest) if row.name != "class_count"]
