"""One mapping year of the simulated region, end to end: 2,000 x 2,000 cells, 12 dates of six bands, in one process.

The peer predicts the very same forest by scikit-learn, on a sample of cells, extrapolated to the whole map: it computes
no feature, reads no raster and writes none.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import ground
from bioccia.lifecycle import paths

REGION = "benchmarks_year"
YEAR = 2024
CELLS = 4_000_000
SAMPLED_CELLS = 100_000
THREADS = 2
LEARNING = ("freeze", "train", "compare", "decide")


def simulated_folder() -> Path:
    """The region folder, generated the first time."""
    folder = paths.region_dir(REGION) / "folder"
    if not (folder / "region.toml").exists():
        command = ["simulate", "--out", str(folder), "--years", str(YEAR)]
        subprocess.run([sys.executable, "-m", "ml.compute", *command], check=True, stdout=sys.stderr)
    return folder


def play_year(folder: Path) -> dict[str, Any]:
    """`run_year`, as its own process; its answer."""
    command = [sys.executable, "manage.py", "run_year", str(folder), "--year", str(YEAR)]
    environment = {**os.environ, "BIOCCIA_REGION": REGION}
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(answer.stdout.splitlines()[-1])


def report(answer: dict[str, Any]) -> None:
    """Seconds of each step and of all without the import; CPU seconds too, which a busy machine changes less."""
    seconds = answer["seconds"]
    for name, spent, aim in (("", seconds, "< 60 s"), (", CPU", answer["cpu_seconds"], "")):
        year = sum(share for step, share in spent.items() if step != "import")
        ground.row(f"simulated year, 4 Mpx: train, map, polygons, load{name}", "bioccia", year, "s", aim)
    for step, spent in seconds.items():
        ground.row(f"simulated year, step {step}", "bioccia", spent, "s")
    ground.row("simulated year, polygons made", "bioccia", answer["polygons"], "polygons")
    ground.row("simulated year, macro-F1", "bioccia", answer["metrics"]["macro_f1"], "")
    ground.row("simulated year, energy (estimated)", "bioccia", answer["energy_wh"], "Wh")


def compare_forests(folder: Path) -> None:
    """The walk of the packed forest beside scikit-learn's predict of the forest it was packed from."""
    packed, grown, levels = grow_forest(folder)
    turned = np.ascontiguousarray(levels.T)
    packed.shares(turned[:, :1000])  # compiles
    parts = np.array_split(turned, THREADS, axis=1)
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda part: packed.shares(np.ascontiguousarray(part)), parts))
    ours = time.perf_counter() - started
    table = levels.astype(np.float32)
    started = time.perf_counter()
    grown.set_params(n_jobs=THREADS).predict_proba(table)
    peer = time.perf_counter() - started
    trees = len(grown.estimators_)
    what = f"{trees} trees of the forest over 4 Mpx, extrapolated from {len(levels):,} cells, {THREADS} threads"
    for who, spent in (("bioccia", ours), ("scikit-learn predict_proba", peer)):
        ground.row(what, who, spent * CELLS / len(levels), "s")


def grow_forest(folder: Path) -> tuple[Any, Any, np.ndarray]:
    """The last trees that a training grew, packed and as scikit-learn holds them, and (cells, features) levels."""
    from ml.compute import growing, training
    from ml.compute.extraction import extract_features
    from ml.compute.features import bind_recipe
    from ml.compute.recipes import survey_stack
    from ml.compute.region import read_region_folder, read_samples
    from ml.compute.stacks import open_stack

    region = read_region_folder(folder)
    pack, grown, packed = growing.pack_forest, [], []

    def keep(forest: Any, **options: Any) -> Any:
        grown.append(forest)
        packed.append(pack(forest, **options))
        return packed[-1]

    options = training.TrainingOptions(legend=tuple(region.legend))
    with mock.patch.object(growing, "pack_forest", keep):
        model = training.train_model(region.stack_files(YEAR), read_samples(region, YEAR), options=options)
    stack = open_stack(region.stack_files(YEAR))
    sources = bind_recipe(model.recipe, stack, survey_stack(stack))
    places = np.arange(CELLS // 2, CELLS // 2 + SAMPLED_CELLS)
    extraction = extract_features(stack, model.recipe, sources, places)
    return packed[-1], grown[-1], model.levels.of_cells(extraction.values[extraction.seen])


def main() -> None:
    with ground.own_database(REGION):
        folder = simulated_folder()
        report(play_year(folder))
    compare_forests(folder)


if __name__ == "__main__":
    main()
