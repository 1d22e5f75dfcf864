"""The map engine beside Orfeo ToolBox and scikit-learn: from a stack and samples to a class map, in CPU-seconds.

Orfeo ToolBox is not among the packages of the project: `apt-get install otb-bin` adds its rows. Its forest is
set as iota2 sets it (100 trees, depth 25, 25 cells in a node). Everybody reads the same stack and is judged on the same
held-out polygons. Programs are measured whole, their start included, by the CPU time of their process.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import rasterio
from engine_scene import EngineScene, write_scene
from sklearn.ensemble import RandomForestClassifier

from ml.compute.grids import read_grid
from ml.compute.samples import learning_cells
from ml.compute.scores import score_class_map
from ml.compute.stacks import StackReader, open_stack

SIDE = int(os.environ.get("BENCH_ENGINE_SIDE", "2048"))
# Samples of a class, a third of which judge.
SAMPLES = {20: 60, 100: 30, 300: 18}
REPEATS = 3
SKLEARN_CELLS = 100_000
OCCITANIE_CELLS = 727_000_000
PROCESSORS = 2


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = scene_of(folder, 20)
        peers(scene, folder)
        for classes in SAMPLES:
            scene = scene_of(folder, classes)
            ours(scene, classes, folder)


def scene_of(folder: Path, classes: int) -> EngineScene:
    return write_scene(folder, side=SIDE, classes=classes, samples_per_class=SAMPLES[classes])


def row(what: str, who: str, value: float, unit: str, aim: str = "") -> None:
    print(json.dumps({"what": what, "who": who, "value": value, "unit": unit, "aim": aim}), flush=True)


def cpu_of(command: Sequence[str]) -> tuple[float, float, str]:
    """CPU-seconds of a program, its peak memory in MiB and the last line that it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, after.ru_maxrss / 1024, (done.stdout.strip().splitlines() or [""])[-1]


def macro_f1(classes: Path, scene: EngineScene) -> float:
    frame = gpd.read_file(scene.samples)
    frame["code"] = frame["code"].astype(str)
    return score_class_map(classes, frame).macro_f1


def peers(scene: EngineScene, folder: Path) -> None:
    what, score = "stack to class map, 20 classes, 50 predictors", "macro-F1, 20 classes"
    rate, f1 = scikit_learn(scene)
    row(what, "scikit-learn random forest", rate, "cells per CPU s")
    row(score, "scikit-learn random forest", f1, "")
    if shutil.which("otbcli_ImageClassifier") is None:
        row(f"{what}: install otb-bin (apt-get install otb-bin) to see it", "Orfeo ToolBox", float("nan"), "")
        return
    trained, rate, f1 = orfeo(scene, folder)
    row(what, "Orfeo ToolBox random forest", rate, "cells per CPU s")
    row(score, "Orfeo ToolBox random forest", f1, "")
    row("training, 20 classes", "Orfeo ToolBox random forest", trained, "CPU s")


def orfeo(scene: EngineScene, folder: Path) -> tuple[float, float, float]:
    """CPU-seconds to train, cells mapped per CPU-second, macro-F1."""
    model, classes = folder / "otb.model", folder / "otb.tif"
    forest = [
        "-classifier",
        "rf",
        "-classifier.rf.max",
        "25",
        "-classifier.rf.min",
        "25",
        "-classifier.rf.nbtrees",
        "100",
    ]
    drawing = ["-sample.mt", "-1", "-sample.mv", "0", "-sample.vtr", "0", "-sample.vfn", "code"]
    learn = [
        "otbcli_TrainImagesClassifier",
        "-io.il",
        str(scene.stack),
        "-io.vd",
        str(scene.lessons),
        "-io.out",
        str(model),
    ]
    trained, _, _ = cpu_of([*learn, *drawing, *forest])
    command = ["otbcli_ImageClassifier", "-in", str(scene.stack), "-model", str(model), "-out", str(classes), "uint8"]
    spent, _, _ = cpu_of(command)
    return trained, scene.cells / spent, macro_f1(classes, scene)


def scikit_learn(scene: EngineScene) -> tuple[float, float]:
    """Cells per CPU-second, extrapolated from some rows, and macro-F1 of the default forest of 100 trees."""
    grid = read_grid(scene.stack)
    samples = gpd.read_file(scene.samples)
    with rasterio.open(scene.stack) as source:
        bands = source.read().reshape(source.count, -1)
    train, test = (samples[samples["split"] == split].reset_index(drop=True) for split in ("train", "test"))
    learned, judged = learning_cells(train, grid), learning_cells(test, grid)
    forest = RandomForestClassifier(100, random_state=0).fit(
        bands[:, learned.places(grid.width)].T, train["code"].to_numpy()[learned.samples]
    )
    started = time.process_time()
    forest.predict(bands[:, :SKLEARN_CELLS].T)
    spent = time.process_time() - started
    from sklearn.metrics import f1_score

    predicted = forest.predict(bands[:, judged.places(grid.width)].T)
    return SKLEARN_CELLS / spent, float(f1_score(test["code"].to_numpy()[judged.samples], predicted, average="macro"))


def ours(scene: EngineScene, classes: int, folder: Path) -> None:
    """Both modes on one scene, and the floor that reading alone sets."""
    floor = statistics.median(read_only(scene) for _ in range(REPEATS))
    row(f"reading the stack alone, {classes} classes", "bioccia", scene.cells / floor, "cells per CPU s")
    for mode in ("accurate", "frugal"):
        report = learn(scene, mode, folder)
        spent, peak, f1 = map_scene(scene, mode, folder)
        rate = scene.cells / spent
        what = f"stack to class map, {classes} classes, 50 predictors"
        row(f"{what}{'' if mode == 'accurate' else ', frugal'}", "bioccia", rate, "cells per CPU s")
        row(f"macro-F1, {classes} classes{'' if mode == 'accurate' else ', frugal'}", "bioccia", f1, "")
        row(f"training, {classes} classes, {mode} ({report['classifier']})", "bioccia", report["cpu_seconds"], "CPU s")
        row(f"peak memory of mapping, {classes} classes, {mode}", "bioccia", peak, "MiB", "< 512")
        if mode == "frugal":
            row(
                f"frugal, share of the read-only limit, {classes} classes",
                "bioccia",
                100 * floor / spent,
                "%",
                "50/40/25",
            )


def learn(scene: EngineScene, mode: str, folder: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "ml.compute",
        "train",
        "--stack",
        str(scene.stack),
        "--samples",
        str(scene.samples),
    ]
    _, _, line = cpu_of([*command, "--mode", mode, "--out", str(folder / f"{mode}.model")])
    print(line, file=sys.stderr)
    return json.loads(line)


def map_scene(scene: EngineScene, mode: str, folder: Path) -> tuple[float, float, float]:
    """Median CPU-seconds, peak memory and macro-F1."""
    classes = folder / f"{mode}.tif"
    command = [sys.executable, "-m", "ml.compute", "classify", "--stack", str(scene.stack), "--out", str(classes)]
    runs = [cpu_of([*command, "--model", str(folder / f"{mode}.model")]) for _ in range(REPEATS)]
    return (
        statistics.median(run[0] for run in runs),
        max(json.loads(run[2])["peak_rss_mb"] for run in runs),
        macro_f1(classes, scene),
    )


def read_only(scene: EngineScene) -> float:
    """CPU-seconds to read the stack, window by window, and do nothing with it."""
    stack = open_stack([scene.stack])
    started = time.process_time()
    with StackReader(stack) as reader:
        for window in stack.grid.windows(512):
            reader.read_stored(window)
    return time.process_time() - started


if __name__ == "__main__":
    main()
