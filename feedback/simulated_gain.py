"""What the truth of a simulated year says of its maps: as drawn, as released, and without what the reports taught."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from feedback.models import Release
from feedback.release_folders import folder_of
from feedback.simulated_people import Ground
from habitats.models import Vintage
from habitats.stacks import stack_paths
from habitats.states import SampleOrigin
from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.simulation.reviewing import agreement_with_truth
from ml.compute.training import TrainingOptions, save_model, train_model
from ml.states import Mode
from ml.storage import path_of


@dataclass(frozen=True)
class Gain:
    """Shares of the cells that are right, 0 to 1.

    Attributes:
        drawn: as the model of the year drew them.
        released: with the corrections, as released.
        without_reports: as a model drew them that had learned from everything but the accepted reports; None where
            there were none to learn from.
    """

    drawn: float
    released: float
    without_reports: float | None

    def as_json(self) -> dict[str, float | None]:
        """Rounded, for the last line of a command."""
        return {
            name: None if value is None else round(value, 4)
            for name, value in (
                ("drawn", self.drawn),
                ("released", self.released),
                ("without_reports", self.without_reports),
            )
        }


def measure_gain(ground: Ground, release: Release) -> Gain:
    """Compare the maps of a released year with the truth.

    Args:
        ground: the simulated year.
        release: its release.
    """
    vintage = release.vintage
    drawn = agreement_with_truth(ground.truth, path_of(vintage.classes))["overall"]
    released = agreement_with_truth(ground.truth, folder_of(release) / "classes.tif")["overall"]
    return Gain(drawn, released, _without_reports(ground, vintage))


def _without_reports(ground: Ground, vintage: Vintage) -> float | None:
    version = vintage.version
    samples = gpd.read_parquet(path_of(version.training_set.artefact))
    others = samples[samples["origin"] != SampleOrigin.REPORT]
    if len(others) == len(samples):
        return None
    stack = stack_paths(ground.region, ground.year)
    options = TrainingOptions(mode="frugal" if version.mode == Mode.FRUGAL else "accurate", seed=version.seed)
    with tempfile.TemporaryDirectory() as folder:
        model, classes = Path(folder, "model.npz"), Path(folder, "classes.tif")
        save_model(train_model(stack, others, options=options), model)
        classify_stack(stack, model, ClassifyOutputs(classes=classes, confidence=None, runner_ups=None), workers=2)
        return agreement_with_truth(ground.truth, classes)["overall"]
