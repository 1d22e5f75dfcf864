"""Confidence, label errors and places to survey, beside what people have today, on ground whose truth is known.

On the simulated region (its relevés carry errors of place and of name), and on the real regions where they are at hand.
"""

import json
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
from pyproj import CRS
from scipy.ndimage import uniform_filter
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from ml.compute.calibration import measure_reliability
from ml.compute.class_rasters import open_class_map
from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.doubt import doubt_of
from ml.compute.extraction import extract_features
from ml.compute.features import bind_recipe
from ml.compute.map_products import MapProducts
from ml.compute.model_files import TrainedModel
from ml.compute.recipes import survey_stack
from ml.compute.region import read_region_folder, read_samples
from ml.compute.sample_review import review_samples
from ml.compute.samples import BLOCK_CELLS, Cells, assign_splits, cells_of_samples, learning_cells, training_rows
from ml.compute.self_assessment import best_classes
from ml.compute.sharpness import sharpen
from ml.compute.simulation import FIRST_YEAR, SimulationOptions, simulate_region
from ml.compute.stacks import open_stack
from ml.compute.survey_places import SurveyPlan
from ml.compute.survey_plans import plan_survey
from ml.compute.training import TrainingOptions, save_model, train_model
from ml.compute.vectors import in_crs

OURS = "bioccia"
SIZE_PX, SEEDS = 500, (1, 2)
REAL = (("slovenia", 2016), ("slovenia", 2017), ("rachel_carson", 2018))
REGIONS = Path(__file__).resolve().parents[2] / "shared" / "data" / "regions"
FLIPPED, DRAWS = 0.1, 4
PLACES, DISTANCE_M = 100, 150.0


@dataclass(frozen=True)
class Ground:
    """A region and one of its years."""

    name: str
    stack: list[Path]
    samples: gpd.GeoDataFrame
    legend: tuple

    def features(self, model: TrainedModel, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
        """(cells, features) levels, and whether anything was observed there."""
        stack = open_stack(self.stack)
        sources = bind_recipe(model.recipe, stack, survey_stack(stack))
        found = extract_features(stack, model.recipe, sources, cells.places(stack.grid.width))
        return model.levels.of_cells(found.values), found.seen


def ground_of(name: str, folder: Path, year: int) -> Ground:
    region = read_region_folder(folder)
    samples, stack = read_samples(region, year), region.stack_files(year)
    grid = open_stack(stack).grid
    samples = in_crs(samples, CRS.from_user_input(grid.crs))
    samples["split"] = assign_splits(samples, block_m=BLOCK_CELLS * grid.cell_width, seed=0)
    return Ground(name, stack, samples, tuple(region.legend))


def say(what: str, who: str, value: float, unit: str, aim: str = "") -> None:
    print(json.dumps({"what": what, "who": who, "value": round(float(value), 4), "unit": unit, "aim": aim}), flush=True)


def measure_confidence(ground: Ground, model: TrainedModel) -> None:
    """How far confidence is from being right, on test cells."""
    tests = ground.samples[(ground.samples["split"] == "test").to_numpy()].reset_index(drop=True)
    cells = cells_of_samples(tests, open_stack(ground.stack).grid)
    levels, seen = ground.features(model, cells)
    shares = model.classifier.shares(np.ascontiguousarray(levels.T))[seen]
    truth = tests["code"].astype(str).to_numpy()[cells.samples][seen]
    right = np.array(model.codes)[shares.argmax(axis=1)] == truth
    _, percents = best_classes(sharpen(shares, model.sharpness))
    steps = {"forest's shares": shares.max(axis=1).astype(float), OURS: percents[:, 0] / 100}
    for who, confidence in steps.items():
        figures = measure_reliability(confidence, right)
        say(f"calibration error, {ground.name}", who, figures.expected_error, "ECE on test cells", "under its peer")
        say(f"log loss of confidence, {ground.name}", who, figures.log_loss, "nats on test cells", "under its peer")
    measure_doubt(ground.name, percents, right)


def measure_doubt(name: str, percents: np.ndarray, right: np.ndarray) -> None:
    """How well doubt tells wrong cells from right ones."""
    if right.all() or not right.any():
        return
    rest = np.maximum(100 - percents.sum(axis=1, dtype=int), 0)
    parts = np.column_stack([percents, rest]) / 100
    entropy = -(parts * np.log(np.maximum(parts, 1e-9))).sum(axis=1)
    what = f"doubt tells wrong cells, {name}"
    say(what, OURS, roc_auc_score(~right, doubt_of(percents.T)), "area under ROC")
    say(what, "entropy", roc_auc_score(~right, entropy), "area under ROC")
    say(what, "100 - confidence", roc_auc_score(~right, 100 - percents[:, 0]), "area under ROC")


def label_errors(ground: Ground, model: TrainedModel, wrong: np.ndarray) -> dict[str, float]:
    """Share of truly wrong samples among as many listed first, beside folds by pixel with scikit-learn.

    Args:
        ground: with the errors in its samples.
        model: trained on them, for its features.
        wrong: (samples,) whether the code written is not the true one.
    """
    table = review_samples(ground.stack, ground.samples)
    listed = table[table["kind"] == "other_habitat"]["row"].to_numpy() - 1
    stack = open_stack(ground.stack)
    cells = learning_cells(ground.samples, stack.grid)
    cells = cells.where(training_rows(ground.samples, BLOCK_CELLS * stack.grid.cell_width)[cells.samples])
    levels, seen = ground.features(model, cells)
    samples, levels = cells.samples[seen], levels[seen].astype(np.float32)
    _, written = np.unique(ground.samples["code"].astype(str).to_numpy()[samples], return_inverse=True)
    forest = ExtraTreesClassifier(60, min_samples_leaf=5, random_state=0, n_jobs=2)
    shares = cross_val_predict(forest, levels, written, cv=3, method="predict_proba")
    own = np.bincount(samples, shares[np.arange(written.size), written], len(ground.samples))
    counts = np.bincount(samples, minlength=len(ground.samples))
    judged = np.flatnonzero(counts)
    peer = judged[np.argsort(own[judged] / counts[judged], kind="stable")]
    count = int(wrong[judged].sum())
    return {
        OURS: wrong[listed[:count]].sum() / count,
        "scikit-learn, folds by pixel": wrong[peer[:count]].sum() / count,
        "by chance": wrong[judged].mean(),
    }


def say_label_errors(name: str, found: list[dict[str, float]]) -> None:
    for who in found[0]:
        say(f"wrong labels found, {name}", who, np.mean([one[who] for one in found]), "share of as many listed first")


def measure_places(ground: Ground, model_path: Path, truth_path: Path, folder: Path) -> None:
    """How often the map is wrong where a visit is proposed, beside places drawn at random."""
    outputs = ClassifyOutputs(folder / "c.tif", folder / "k.tif", folder / "r.tif")
    classify_stack(ground.stack, model_path, outputs, workers=2)
    products = MapProducts(outputs.classes, outputs.confidence, outputs.runner_ups)
    mapped, truth = products.classes, open_class_map(truth_path)
    codes = np.array([mapped.code_of(value) for value in range(256)], object)
    truths = np.array([truth.code_of(value) for value in range(256)], object)
    values = mapped.read()
    wrong = (codes[values] != truths[truth.read()]) & (values != 0)
    around = uniform_filter(wrong.astype(float), 3)
    for who, stack in ((OURS, ground.stack), ("without novelty", [])):
        table = plan_survey(products, ground.samples, SurveyPlan(PLACES, DISTANCE_M), stack_paths=stack)
        grid = products.grid
        columns = ((table["x"] - grid.transform.c) / grid.cell_width).astype(int)
        rows = ((grid.transform.f - table["y"]) / grid.cell_height).astype(int)
        say(f"wrong cells around places, {ground.name}", who, around[rows, columns].mean(), "share", "above chance")
    say(f"wrong cells around places, {ground.name}", "places by chance", wrong[values != 0].mean(), "share")


def simulated(folder: Path, seed: int) -> tuple[Ground, np.ndarray, Path]:
    options = SimulationOptions(seed=seed, years=(FIRST_YEAR,), size_px=SIZE_PX)
    simulate_region(folder / "region", options=options, truth_dir=folder / "truth")
    ground = ground_of(f"simulated {seed}", folder / "region", FIRST_YEAR)
    truth = open_class_map(folder / "truth" / f"truth_{FIRST_YEAR}.tif")
    cells = learning_cells(ground.samples, truth.grid)
    values = truth.read()[cells.rows, cells.columns]
    names = np.array([truth.code_of(value) for value in range(int(values.max()) + 1)], object)
    right = names[values] == ground.samples["code"].astype(str).to_numpy(object)[cells.samples]
    agreed = np.bincount(cells.samples, right, len(ground.samples))
    counts = np.bincount(cells.samples, minlength=len(ground.samples))
    return ground, agreed < counts / 2, folder / "truth" / f"truth_{FIRST_YEAR}.tif"


def with_wrong_labels(ground: Ground, seed: int) -> tuple[Ground, np.ndarray]:
    """The region with the code of a tenth of its training samples changed, and which ones."""
    random = np.random.default_rng(seed)
    codes = ground.samples["code"].astype(str).to_numpy(object)
    training = np.flatnonzero((ground.samples["split"] == "train").to_numpy())
    flipped = random.choice(training, max(1, round(training.size * FLIPPED)), replace=False)
    wrong = np.zeros(codes.size, bool)
    wrong[flipped] = True
    others = [[code for code in sorted(set(codes)) if code != codes[one]] for one in flipped]
    new = codes.copy()
    new[flipped] = [random.choice(choice) for choice in others]
    return replace(ground, samples=ground.samples.assign(code=new)), wrong


def measure_simulated(folder: Path, seed: int) -> None:
    """All figures that need the truth."""
    ground, wrong, truth = simulated(folder, seed)
    model = train_model(ground.stack, ground.samples, options=TrainingOptions(legend=ground.legend))
    save_model(model, folder / "m")
    measure_confidence(ground, model)
    everywhere = replace(ground, samples=ground.samples.assign(split=""))
    say_label_errors(ground.name, [label_errors(everywhere, model, wrong)])
    measure_places(ground, folder / "m", truth, folder)


def main() -> int:
    """Measure."""
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as name:
            measure_simulated(Path(name), seed)
    for name, year in REAL:
        if not (REGIONS / name).is_dir():
            print(f"{name} is not beside the repository: not measured", file=sys.stderr)
            continue
        ground = ground_of(f"{name} {year}", REGIONS / name, year)
        model = train_model(ground.stack, ground.samples, options=TrainingOptions(legend=ground.legend))
        measure_confidence(ground, model)
        changed = [with_wrong_labels(ground, seed) for seed in range(1, DRAWS + 1)]
        say_label_errors(f"{ground.name}, a tenth changed", [label_errors(one, model, wrong) for one, wrong in changed])
    return 0


if __name__ == "__main__":
    sys.exit(main())
