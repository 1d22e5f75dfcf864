"""From samples to a decided candidate: each function is one step of the mapping year."""

import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
from django.conf import settings
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError
from habitats import queries
from habitats.stacks import stack_paths
from habitats.states import SampleOrigin, SampleSet
from ml import actions
from ml.compute.comparison import compare_scores, score_model
from ml.compute.energy import Meter
from ml.compute.errors import ComputeError, SampleError
from ml.compute.samples import BLOCK_CELLS, closed_ground, thinned_place
from ml.compute.training import TrainedModel, TrainingOptions, load_model, save_model, train_model
from ml.errors import DecisionAwaitedError
from ml.models import ModelVersion, TrainingSet
from ml.run_session import RunSession
from ml.states import Mode
from ml.storage import path_of, store_file

SPLIT_OF_SET = {SampleSet.TRAINING: "train", SampleSet.SELECTION: "test"}
# A candidate that loses no more macro-F1 than this on the same blocks is not worse: fewer cells cannot tell.
TOLERANCE = 0.02
# Beside the origins of the year: what reports said of earlier years and still holds.
CARRIED = "carried"


def freeze(session: RunSession) -> Mapping[str, Any]:
    """Write the rows that this training will see to a file known by its hash; the audit sample stays sealed."""
    year, region = session.run.year, session.run.region
    samples = queries.training_samples(year)
    if not samples:
        raise InvalidFieldsError(
            _("There is no sample for %(year)s: add samples/%(year)s.gpkg to the region folder and import it again.")
            % {"year": year}
        )
    frame = _off_selection_blocks(_frame(samples, region.epsg), BLOCK_CELLS * region.resolution_m)
    frame = _no_larger_than_others(frame, region.resolution_m)
    file = session.work_dir / "samples.parquet"
    frame.to_parquet(file)
    artefact = store_file(file, at=session.now())
    training_set = actions.freeze_training_set(
        year=year,
        artefact=artefact,
        counts=_counts(frame) | {"from_reports": _from_reports(frame, set_aside=len(samples) - len(frame))},
        sample_count=len(frame),
        at=session.now(),
    )
    return {"training_set": training_set.pk, "sha256": training_set.sha256}


def _frame(samples: Sequence[queries.TrainingSample], epsg: int) -> gpd.GeoDataFrame:
    columns = {
        "key": [one.sample.key for one in samples],
        "code": [one.sample.habitat_type.code for one in samples],
        "split": [SPLIT_OF_SET[SampleSet(one.sample.sample_set)] for one in samples],
        "set": [one.sample.sample_set for one in samples],
        "origin": [one.sample.origin for one in samples],
        "year": [one.sample.year for one in samples],
        "carried": [one.is_carried for one in samples],
        "date": [one.sample.observed_on.isoformat() if one.sample.observed_on else "" for one in samples],
        "weight": [one.weight for one in samples],
    }
    places = shapely.from_wkb([bytes(one.sample.geometry.wkb) for one in samples])
    return gpd.GeoDataFrame(columns, geometry=places, crs=4326).to_crs(epsg)


def _off_selection_blocks(frame: gpd.GeoDataFrame, block_m: float) -> gpd.GeoDataFrame:
    """What reports said, without the ground of the blocks that score models: a large polygon may reach into one."""
    is_report = (frame["origin"] == SampleOrigin.REPORT).to_numpy()
    if not is_report.any():
        return frame
    closed = closed_ground(frame, block_m)
    places = frame.geometry.to_numpy().copy()
    places[is_report] = shapely.difference(places[is_report], closed)
    kept = frame.set_geometry(gpd.GeoSeries(places, crs=frame.crs, index=frame.index))
    return kept[~shapely.is_empty(places)].reset_index(drop=True)


def _no_larger_than_others(frame: gpd.GeoDataFrame, cell_m: float) -> gpd.GeoDataFrame:
    """What reports said, in as few cells as an interpreter outlines: a hundred hectares are one testimony too."""
    places = [
        thinned_place(place, cell_m=cell_m, most=settings.REPORT_SAMPLE_CELLS) if is_report else place
        for place, is_report in zip(frame.geometry, frame["origin"] == SampleOrigin.REPORT, strict=True)
    ]
    return frame.set_geometry(gpd.GeoSeries(places, crs=frame.crs, index=frame.index))


def _counts(frame: gpd.GeoDataFrame) -> dict[str, dict[str, int]]:
    origins = frame["origin"].where(~frame["carried"], CARRIED)
    return {
        "by_set": dict(Counter(frame["set"])),
        "by_habitat": dict(Counter(frame["code"])),
        "by_origin": dict(Counter(origins)),
    }


def _from_reports(frame: gpd.GeoDataFrame, *, set_aside: int) -> dict[str, Any]:
    """What the version owes to reports: how many samples, of which years and rounds, and their share of the weight."""
    reports = frame[frame["origin"] == SampleOrigin.REPORT]
    trains = frame[frame["split"] == "train"]
    weight = float(reports["weight"].sum())
    return {
        "samples": len(reports),
        "carried": int(reports["carried"].sum()),
        "set_aside": set_aside,
        "weight": round(weight, 3),
        "weight_share": round(weight / float(trains["weight"].sum() or 1), 4),
        "by_year": {str(year): int(count) for year, count in sorted(Counter(reports["year"]).items())},
    }


def train(session: RunSession) -> Mapping[str, Any]:
    """Learn, score on the blocks that never train, and write the candidate's card."""
    run = session.run
    training_set = _training_set(session)
    samples, stack = gpd.read_parquet(path_of(training_set.artefact)), stack_paths(run.region, run.year)
    with Meter() as meter:
        options = TrainingOptions(
            mode="frugal" if run.mode == Mode.FRUGAL else "accurate", seed=run.seed, legend=queries.legend_rows()
        )
        model = train_model(stack, samples, options=options)
    file = session.work_dir / "model.npz"
    save_model(model, file)
    version = actions.record_version(
        run=run,
        training_set=training_set,
        artefact=store_file(file, at=session.now()),
        code_version=code_version(),
        parameters=model.report,
        metrics=_scores(model, stack, samples),
        train_seconds=meter.seconds,
        train_cpu_seconds=meter.cpu_seconds,
        energy_wh=meter.energy_wh,
        energy_method=meter.energy_method,
        created_at=session.now(),
    )
    run.version = version
    return {"version": version.pk, "number": version.number}


def _scores(model: TrainedModel, stack: Sequence[Path], samples: gpd.GeoDataFrame) -> dict[str, Any]:
    try:
        return score_model(model, stack, samples).as_json()
    except SampleError as error:  # too few places to keep any back: the version says so instead of a number
        return {"unscored": str(error)}


def compare(session: RunSession) -> Mapping[str, Any]:
    """Score the current version on the candidate's blocks; where it cannot read this year's stack, say so."""
    version = _version(session)
    current = ModelVersion.objects.current()
    comparison: dict[str, Any] = {"verdict": "first"}
    if current is not None:
        samples = gpd.read_parquet(path_of(version.training_set.artefact))
        try:
            stack = stack_paths(session.run.region, session.run.year)
            scores = score_model(load_model(path_of(current.artefact)), stack, samples)
            comparison = compare_scores(version.metrics, scores.as_json(), tolerance=TOLERANCE)
        except ComputeError as error:
            comparison = {"verdict": "first", "not_comparable": str(error)}
        comparison["current"] = current.number
    actions.record_comparison(version=version, current=current, comparison=comparison)
    return {"verdict": comparison["verdict"]}


def decide(session: RunSession) -> Mapping[str, Any]:
    """Approve or reject by the rule fixed beforehand, or wait for a person; a run typed at the console maps anyway."""
    version = _version(session)
    decision = session.run.parameters.get("decision", "person")
    if decision == "later" or version.decided_at is not None:
        return {"state": version.state}
    if decision == "person":
        raise DecisionAwaitedError(f"version {version.number} awaits a decision")
    if decision == "console":
        actions.approve_at_console(version=version, at=session.now())
    elif not actions.decide_by_gate(version=version, run=session.run, at=session.now()):
        # A rejection is a result, not an error, and the year still needs its map: the current version has just
        # been scored on these very blocks, so it can read this stack, and it does better.
        session.run.version = actions.map_with_current(run=session.run, candidate=version)
        return {"state": version.state, "rejected": version.number, "mapped_with": session.run.version.number}
    return {"state": version.state}


def _version(session: RunSession) -> ModelVersion:
    return ModelVersion.objects.select_related("training_set__artefact").get(pk=session.outputs["train"]["version"])


def _training_set(session: RunSession) -> TrainingSet:
    return TrainingSet.objects.select_related("artefact").get(pk=session.outputs["freeze"]["training_set"])


@cache
def code_version() -> str:
    """The commit of the code that learns, or the package's version outside a repository."""
    try:
        answer = subprocess.run(  # noqa: S603
            ["git", "-C", str(settings.BASE_DIR), "rev-parse", "--short=12", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return Path(settings.BASE_DIR, "VERSION").read_text().strip()
    return answer.stdout.strip()
