"""A trained model and its file: arrays and one JSON header in a .npz, never pickled code."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compute.errors import ModelFileError
from ml.compute.features import Levels
from ml.compute.files import written_aside
from ml.compute.forest import PackedForest
from ml.compute.forest_files import forest_arrays, forest_of_arrays
from ml.compute.network import DistilledNetwork
from ml.compute.recipes import Recipe

# Raised whenever features or the packing change: an older model would then map nonsense.
MODEL_FORMAT = 2
_FORMAT_NAME = "ml.compute model"
# What a machine measured says nothing of the model: the same seed gives the same bytes without it.
_MEASURED = ("cpu_seconds_per_million_cells", "macro_f1_per_cpu_second")


@dataclass(frozen=True)
class TrainedModel:
    """Everything needed to map another stack.

    Attributes:
        codes: code of each class of the classifier, by place.
        values: raster value of every code used in the samples, learned or not.
        colors: `#rrggbb` by code, where the legend gave one.
        recipe: the features.
        levels: how features become int16.
        classifier: the packed forest, or the network that one has taught.
        sharpness: power that turns shares into confidence.
        report: what was learned from what, ready for JSON.
    """

    codes: tuple[str, ...]
    values: dict[str, int]
    colors: dict[str, str]
    recipe: Recipe
    levels: Levels
    classifier: PackedForest | DistilledNetwork
    sharpness: float
    report: dict[str, Any]


def save_model(model: TrainedModel, path: Path) -> None:
    """Write a model; the same model gives the same bytes.

    Args:
        model: the model.
        path: the file, replaced as a whole.

    Raises:
        ComputeError: the disk is full.
    """
    header = {
        "format_name": _FORMAT_NAME,
        "format": MODEL_FORMAT,
        "codes": model.codes,
        "values": model.values,
        "colors": model.colors,
        "recipe": model.recipe.as_json(),
        "sharpness": model.sharpness,
        "report": _without_measures(model.report),
    }
    text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
    with written_aside(Path(path)) as aside, aside.open("wb") as file:
        np.savez_compressed(
            file,
            header=np.frombuffer(text, np.uint8),
            low=model.levels.low,
            width=model.levels.width,
            **_classifier_arrays(model.classifier),
        )


def _without_measures(report: dict[str, Any]) -> dict[str, Any]:
    trials = [
        {name: value for name, value in trial.items() if name not in _MEASURED}
        for trial in report.get("candidates", [])
    ]
    return {**report, "candidates": trials}


def _classifier_arrays(classifier: PackedForest | DistilledNetwork) -> dict[str, Any]:
    if isinstance(classifier, PackedForest):
        return forest_arrays(classifier)
    return {
        "graph": np.frombuffer(classifier.graph, np.uint8),
        "centre": classifier.centre,
        "codes_per_level": classifier.codes_per_level,
    }


def _classifier(arrays: dict[str, NDArray[Any]], class_count: int) -> PackedForest | DistilledNetwork:
    if "graph" in arrays:
        return DistilledNetwork(
            arrays["graph"].tobytes(), arrays["centre"], arrays["codes_per_level"], class_count=class_count
        )
    return forest_of_arrays(arrays, class_count)


def load_model(path: Path) -> TrainedModel:
    """Read a model.

    Args:
        path: as `save_model` wrote it.

    Returns:
        The model.

    Raises:
        ModelFileError: missing, damaged, no model at all, or made by another version of the engine.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"{path}: the model file is missing; train one or correct the path.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(bytes(archive["header"]))
            _check_format(header, path)
            return _model(header, {name: archive[name] for name in archive.files})
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path}: not a model of this engine, or damaged; train it again.") from error


def _check_format(header: dict[str, Any], path: Path) -> None:
    if header["format_name"] != _FORMAT_NAME or header["format"] != MODEL_FORMAT:
        raise ModelFileError(
            f"{path}: made in format {header['format']} of '{header['format_name']}', this engine reads "
            f"format {MODEL_FORMAT} of '{_FORMAT_NAME}'; train the model again."
        )


def _model(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> TrainedModel:
    return TrainedModel(
        codes=tuple(header["codes"]),
        values={str(code): int(value) for code, value in header["values"].items()},
        colors=dict(header["colors"]),
        recipe=Recipe.from_json(header["recipe"]),
        levels=Levels(arrays["low"], arrays["width"]),
        classifier=_classifier(arrays, len(header["codes"])),
        sharpness=float(header["sharpness"]),
        report=header["report"],
    )
