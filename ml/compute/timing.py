"""CPU time of a classifier on a stack, measured on one window in its middle."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rasterio.windows import Window

from ml.compute.features import bind_recipe
from ml.compute.forest import PackedForest
from ml.compute.model_files import load_model
from ml.compute.network import DistilledNetwork
from ml.compute.recipes import survey_stack
from ml.compute.stacks import StackReader, open_stack
from ml.compute.window_levels import LevelMaker

TIMED_CELLS = 256


def cpu_seconds_per_million_cells(maker: LevelMaker, classifier: PackedForest | DistilledNetwork) -> float:
    """CPU-seconds from stored values to shares of the classes; decompression, the same for all, is left out.

    Args:
        maker: the stack, and what the classifier reads of it.
        classifier: the classifier.
    """
    grid = maker.stack.grid
    width, height = min(TIMED_CELLS, grid.width), min(TIMED_CELLS, grid.height)
    window = Window((grid.width - width) // 2, (grid.height - height) // 2, width, height)
    padded = grid.padded(window, maker.recipe.halo)
    with StackReader(maker.stack, {source.place for source in maker.sources}) as reader:
        stored = reader.read_stored(padded)
    top, left = int(window.row_off - padded.row_off), int(window.col_off - padded.col_off)
    inner = (slice(top, top + height), slice(left, left + width))
    shape = (int(padded.height), int(padded.width))
    spent = []
    for _turn in range(2):  # the first one may compile
        started = time.thread_time()
        classifier.shares(maker.of_window(stored, shape, inner).levels)
        spent.append(time.thread_time() - started)
    return max(*spent[1:], 1e-6) / (width * height) * 1e6


def time_model(stack_paths: Sequence[Path], model_path: Path) -> dict[str, Any]:
    """What another model would cost on a stack.

    Args:
        stack_paths: rasters on one grid.
        model_path: as `save_model` wrote it.

    Returns:
        Its mode, its classifier and its CPU-seconds per million cells.

    Raises:
        ComputeError: the model or the stack cannot be used.
    """
    model, stack = load_model(model_path), open_stack(stack_paths)
    sources = bind_recipe(model.recipe, stack, survey_stack(stack))
    maker = LevelMaker(stack, model.recipe, sources, model.levels)
    return {
        "model": str(model_path),
        "mode": model.report.get("mode"),
        "classifier": model.report.get("classifier"),
        "cpu_seconds_per_million_cells": float(f"{cpu_seconds_per_million_cells(maker, model.classifier):.3g}"),
    }
