"""The map engine beside Orfeo ToolBox and scikit-learn: from a stack and samples to a class map, in CPU-seconds.

Orfeo ToolBox is not among the packages of the project: `apt-get install otb-bin` adds its rows. Its forest is
set as iota2 sets it (100 trees, depth 25, 25 cells in a node). Everybody reads the same stack and is judged on the same
held-out polygons. Programs are measured whole, their start included, by the CPU time of their process.
"""

import json
import os
import pickle
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
from engine_scene import BANDS, TRANSFORM, EngineScene, write_scene
from shapely.geometry import box
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import f1_score

from ml.compute.classify import WINDOW, ClassifyOutputs, classify_stack
from ml.compute.grids import read_grid
from ml.compute.samples import learning_cells
from ml.compute.scores import score_class_map
from ml.compute.stacks import StackReader, open_stack

SIDE = int(os.environ.get("BENCH_ENGINE_SIDE", "2048"))
# Orfeo ToolBox maps the upper left corner of this side, at its own pace; everybody is judged there.
CORNER = 768
# Samples of a class, a third of which judge.
SAMPLES = {20: 60, 100: 30, 300: 18}
CLASSES = [int(word) for word in os.environ.get("BENCH_ENGINE_CLASSES", "20 100 300").split()]
REPEATS = int(os.environ.get("BENCH_ENGINE_REPEATS", "3"))
PEER_CLASSES = 20
SKLEARN_CELLS = 50_000
SKLEARN_TREES = 4
OCCITANIE_CELLS = 727_000_000
OCCITANIE_CLASSES = 100
PROCESSORS = 2
SECONDS_PER_HOUR = 3600


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        for classes in CLASSES:
            folder = Path(name) / str(classes)
            folder.mkdir()
            scene = write_scene(folder, side=SIDE, classes=classes, samples_per_class=SAMPLES[classes])
            ours(scene, classes, folder)
            if classes == PEER_CLASSES:
                peers(scene, classes, folder)
            if classes == max(CLASSES):
                model_sizes(scene, classes, folder)


def row(what: str, who: str, value: float, unit: str, aim: str = "") -> None:
    print(json.dumps({"what": what, "who": who, "value": value, "unit": unit, "aim": aim}), flush=True)


def cpu_of(command: Sequence[str]) -> tuple[float, float, str]:
    """CPU-seconds of a program, its peak memory in MiB and the last line that it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, after.ru_maxrss / 1024, (done.stdout.strip().splitlines() or [""])[-1]


def macro_f1(classes: Path, scene: EngineScene, *, in_corner: bool = False) -> float:
    frame = gpd.read_file(scene.samples)
    frame["code"] = frame["code"].astype(str)
    if in_corner:
        west, north = TRANSFORM @ (0, 0)
        east, south = TRANSFORM @ (CORNER, CORNER)
        frame = frame[frame.within(box(west, south, east, north))]
    return score_class_map(classes, frame).macro_f1


def peers(scene: EngineScene, classes: int, folder: Path) -> None:
    what, score = f"stack to class map, {classes} classes, {BANDS} predictors", f"macro-F1, {classes} classes"
    rate, f1 = scikit_learn(scene)
    row(what, "scikit-learn random forest, predict alone", rate, "cells per CPU s")
    row(score, "scikit-learn random forest", f1, "")
    if shutil.which("otbcli_ImageClassifier") is None:
        row(f"{what}: apt-get install otb-bin to see it", "Orfeo ToolBox", float("nan"), "")
        return
    trained, rate, f1 = orfeo(scene, folder)
    row(what, "Orfeo ToolBox random forest", rate, "cells per CPU s")
    row(f"{what}, frugal", "Orfeo ToolBox random forest", rate, "cells per CPU s")
    row(f"{score}, upper left corner", "Orfeo ToolBox random forest", f1, "")
    row(f"training, {classes} classes", "Orfeo ToolBox random forest", trained, "CPU s")


def orfeo(scene: EngineScene, folder: Path) -> tuple[float, float, float]:
    """CPU-seconds to train, cells mapped per CPU-second, macro-F1."""
    model, classes = folder / "otb.model", folder / "otb.tif"
    forest = ["-classifier", "rf", "-classifier.rf.max", "25", "-classifier.rf.min", "25"]
    forest += ["-classifier.rf.nbtrees", "100"]
    drawing = ["-sample.mt", "-1", "-sample.mv", "0", "-sample.vtr", "0", "-sample.vfn", "code"]
    learn = ["otbcli_TrainImagesClassifier", "-io.il", str(scene.stack), "-io.vd", str(scene.lessons)]
    trained, _, _ = cpu_of([*learn, "-io.out", str(model), *drawing, *forest])
    corner = f"{classes}?&box=0:0:{CORNER}:{CORNER}"
    command = ["otbcli_ImageClassifier", "-in", str(scene.stack), "-model", str(model), "-out", corner, "uint8"]
    spent, _, _ = cpu_of(command)
    return trained, CORNER**2 / spent, macro_f1(classes, scene, in_corner=True)


def scikit_learn(scene: EngineScene) -> tuple[float, float]:
    """Cells per CPU-second of `predict` on some rows, and macro-F1, of the default forest of 100 trees."""
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
    predicted = forest.predict(bands[:, judged.places(grid.width)].T)
    return SKLEARN_CELLS / spent, float(f1_score(test["code"].to_numpy()[judged.samples], predicted, average="macro"))


def ours(scene: EngineScene, classes: int, folder: Path) -> None:
    """Both modes on one scene, and the floor that reading alone sets."""
    for mode, aim, of_peer in (("accurate", "10 x Orfeo ToolBox", ""), ("frugal", "40 x Orfeo ToolBox", ", frugal")):
        report = learn(scene, mode, folder)
        spent, peak, f1 = map_scene(scene, mode, folder)
        what = f"stack to class map, {classes} classes, {BANDS} predictors{of_peer}"
        row(what, "bioccia", scene.cells / spent, "cells per CPU s", aim)
        row(f"macro-F1, {classes} classes{of_peer}", "bioccia", f1, "")
        if classes == PEER_CLASSES:
            corner = macro_f1(folder / f"{mode}.tif", scene, in_corner=True)
            row(f"macro-F1, {classes} classes, upper left corner{of_peer}", "bioccia", corner, "")
        row(f"training, {classes} classes{of_peer} ({report['classifier']})", "bioccia", report["cpu_seconds"], "CPU s")
        row(f"peak memory of mapping, {classes} classes{of_peer}", "bioccia", peak, "MiB", "< 512")
        if mode == "frugal":
            floor = statistics.median(read_only(scene) for _ in range(REPEATS))
            row(f"reading the stack alone, {classes} classes", "bioccia", scene.cells / floor, "cells per CPU s")
            share = f"frugal, share of the read-only limit, {classes} classes"
            row(share, "bioccia", 100 * floor / running(scene, mode, folder), "%", "50/40/25")
            row(f"{share}, start of the program included", "bioccia", 100 * floor / spent, "%")
        if classes == OCCITANIE_CLASSES:
            inner = running(scene, mode, folder)
            hours = OCCITANIE_CELLS / scene.cells * inner / PROCESSORS / SECONDS_PER_HOUR
            row(f"Occitanie at 10 m on {PROCESSORS} cores, projected{of_peer}", "bioccia", hours, "h", "0.67 frugal")


def model_sizes(scene: EngineScene, classes: int, folder: Path) -> None:
    """Our model files beside a pickled forest of scikit-learn, of which some trees are grown and counted."""
    grid = read_grid(scene.stack)
    samples = gpd.read_file(scene.lessons)
    learned = learning_cells(samples, grid)
    with rasterio.open(scene.stack) as source:
        cells = source.read().reshape(source.count, -1)[:, learned.places(grid.width)].T
    forest = ExtraTreesClassifier(SKLEARN_TREES, min_samples_leaf=5, max_features="sqrt", random_state=0)
    forest.fit(cells, samples["code"].to_numpy()[learned.samples])
    pickled = len(pickle.dumps(forest)) * 100 / SKLEARN_TREES
    what = f"model of 100 trees, {classes} classes"
    row(what, f"scikit-learn, pickled ({SKLEARN_TREES} trees counted)", pickled / 1e6, "MB")
    row(what, "bioccia", (folder / "accurate.model").stat().st_size / 1e6, "MB", "200 x smaller")
    row(f"{what}, frugal", "bioccia", (folder / "frugal.model").stat().st_size / 1e6, "MB")


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


def running(scene: EngineScene, mode: str, folder: Path) -> float:
    """Median CPU-seconds of mapping once the program has started and its loops are compiled, as in a long run."""
    spent = []
    for _turn in range(1 + REPEATS):
        started = time.process_time()
        outputs = ClassifyOutputs(folder / f"{mode}-again.tif")
        classify_stack([scene.stack], folder / f"{mode}.model", outputs)
        spent.append(time.process_time() - started)
    return statistics.median(spent[1:])


def map_scene(scene: EngineScene, mode: str, folder: Path) -> tuple[float, float, float]:
    """Median CPU-seconds of the program, its start included, its peak memory in MiB, and macro-F1."""
    classes = folder / f"{mode}.tif"
    command = [sys.executable, "-m", "ml.compute", "classify", "--stack", str(scene.stack), "--out", str(classes)]
    command += ["--model", str(folder / f"{mode}.model")]
    cpu_of(command)  # compiles
    runs = [cpu_of(command) for _ in range(REPEATS)]
    records = [json.loads(line) for _, _, line in runs]
    spent = statistics.median(run[0] for run in runs)
    return spent, max(one["peak_rss_mb"] for one in records), macro_f1(classes, scene)


def read_only(scene: EngineScene) -> float:
    """CPU-seconds to read the stack, window by window, and do nothing with it."""
    stack = open_stack([scene.stack])
    started = time.process_time()
    with StackReader(stack) as reader:
        for window in stack.grid.windows(WINDOW):
            reader.read_stored(window)
    return time.process_time() - started


if __name__ == "__main__":
    main()
