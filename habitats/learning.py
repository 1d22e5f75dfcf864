"""What the samples of some reports brought to a version: trained with and without them, several seeds."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import geopandas as gpd
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError
from habitats import actions, queries
from habitats.stacks import stack_paths
from habitats.states import SampleOrigin
from ml.compute.comparison import score_model
from ml.compute.paired import paired_difference
from ml.compute.training import TrainingOptions, train_model
from ml.models import ModelVersion, Run
from ml.run_session import RunSession, Step
from ml.states import Mode
from ml.storage import path_of

SCORES = ("macro_f1", "overall_accuracy")
EVERY_REPORT = "report:"
DEFAULT_SEEDS, MOST_SEEDS = 5, 20


def ablation_steps(run: Run) -> tuple[tuple[str, Step, float], ...]:
    """One step for each pair of models, so that a killed run goes on where it was, then the comparison."""
    pairs = tuple((f"pair_{place}", partial(train_pair, place=place), 10) for place in range(1, seeds_of(run) + 1))
    return (*pairs, ("conclude", conclude, 1))


def seeds_of(run: Run) -> int:
    """How many pairs the run was asked for."""
    return min(max(int(run.parameters.get("seeds", DEFAULT_SEEDS)), 2), MOST_SEEDS)


def train_pair(session: RunSession, *, place: int) -> Mapping[str, Any]:
    """Train twice from one seed, with the samples and without, and score both on the blocks that neither saw."""
    samples = _frozen(session)
    left_out = _left_out(session, samples)
    seed = session.run.seed + place - 1
    answer: dict[str, Any] = {"seed": seed, "sample_count": int(left_out.sum())}
    for done, (name, rows) in enumerate((("with", samples), ("without", samples[~left_out].reset_index(drop=True)))):
        session.progress(done, 2)
        answer[name] = _scores(session, rows, seed)
    return answer


def conclude(session: RunSession) -> Mapping[str, Any]:
    """Keep the mean differences with their intervals."""
    samples = _frozen(session)
    left_out = _left_out(session, samples)
    trains = (samples["split"] == "train").to_numpy()
    pairs = [session.outputs[f"pair_{place}"] for place in range(1, seeds_of(session.run) + 1)]
    differences = {
        name: vars(paired_difference([pair["with"][name] for pair in pairs], [pair["without"][name] for pair in pairs]))
        for name in SCORES
    }
    ablation = actions.record_ablation(
        run=session.run,
        version=_version(session),
        pairs=pairs,
        at=session.now(),
        source_prefix=_prefix(session),
        sample_count=int(left_out.sum()),
        sample_weight=float(samples["weight"][left_out].sum() / samples["weight"][trains].sum()),
        differences=differences,
    )
    return {"ablation": ablation.pk, **differences}


def _scores(session: RunSession, samples: gpd.GeoDataFrame, seed: int) -> dict[str, float]:
    stack = stack_paths(session.run.region, _version(session).year)
    options = TrainingOptions(
        mode="frugal" if session.run.mode == Mode.FRUGAL else "accurate", seed=seed, legend=queries.legend_rows()
    )
    scores = score_model(train_model(stack, samples, options=options), stack, samples).as_json()
    return {name: scores[name] for name in SCORES}


def _frozen(session: RunSession) -> gpd.GeoDataFrame:
    return gpd.read_parquet(path_of(_version(session).training_set.artefact))


def _left_out(session: RunSession, samples: gpd.GeoDataFrame) -> Any:
    """Rows that came from the reports in question.

    Raises:
        InvalidFieldsError: the version has none.
    """
    keys = samples["key"].astype(str)
    chosen = (samples["origin"] == SampleOrigin.REPORT) & keys.str.startswith(_prefix(session))
    if sources := session.run.parameters.get("sources"):
        chosen &= keys.str.rpartition(":")[0].isin(sources)
    chosen = (chosen & (samples["split"] == "train")).to_numpy()
    if not chosen.any():
        raise InvalidFieldsError(
            _("Version %(version)s learned from no sample of these reports: there is nothing to measure.")
            % {"version": _version(session).number}
        )
    return chosen


def _prefix(session: RunSession) -> str:
    return str(session.run.parameters.get("source_prefix", EVERY_REPORT))


def _version(session: RunSession) -> ModelVersion:
    version = session.run.version
    if version is None:
        raise InvalidFieldsError(_("Say which version to measure."))
    return ModelVersion.objects.select_related("training_set__artefact").get(pk=version.pk)
