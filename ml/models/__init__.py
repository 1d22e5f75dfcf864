"""Tables of the learning side, by concern."""

from ml.models.artefacts import Artefact
from ml.models.predictors import PredictorLayer
from ml.models.runs import Run, RunStep
from ml.models.versions import ModelVersion, TrainingSet

__all__ = ["Artefact", "ModelVersion", "PredictorLayer", "Run", "RunStep", "TrainingSet"]
