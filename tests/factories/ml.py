"""Runs, model versions and their files."""

import factory
from factory.django import DjangoModelFactory

from ml.models import Artefact, ModelVersion, PredictorLayer, Run, RunStep, TrainingSet
from ml.states import Mode, RunKind, RunState, StepState, VersionState
from tests.factories.ground import AN_INSTANT, example_scores
from tests.factories.territories import RegionFactory


class ArtefactFactory(DjangoModelFactory):
    """The row of a file; the file itself is not written."""

    class Meta:
        model = Artefact

    class Params:
        raster = factory.Trait(suffix=".tif")

    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    suffix = ".npz"
    size_bytes = 1_000
    created_at = AN_INSTANT


class TrainingSetFactory(DjangoModelFactory):
    """Frozen samples."""

    class Meta:
        model = TrainingSet

    year = 2024
    sha256 = factory.Sequence(lambda n: f"{n + 10**9:064x}")
    artefact = factory.SubFactory(ArtefactFactory, suffix=".parquet")
    sample_count = 40
    counts = factory.LazyFunction(dict)
    frozen_at = AN_INSTANT


class ModelVersionFactory(DjangoModelFactory):
    """A candidate; `approved=True` and `rejected=True` are decided with a reason."""

    class Meta:
        model = ModelVersion

    class Params:
        codes = ("H1", "H2", "H3")
        accuracy = 0.9
        approved = factory.Trait(
            state=VersionState.APPROVED, decided_at=AN_INSTANT, reason="Au-dessus de la précédente."
        )
        rejected = factory.Trait(
            state=VersionState.REJECTED, decided_at=AN_INSTANT, reason="En dessous de la précédente."
        )

    number = factory.Sequence(lambda n: n + 1)
    year = 2024
    mode = Mode.ACCURATE
    seed = 0
    training_set = factory.SubFactory(TrainingSetFactory)
    artefact = factory.SubFactory(ArtefactFactory)
    code_version = "0.1.0"
    metrics = factory.LazyAttribute(lambda row: example_scores(row.codes, accuracy=row.accuracy))
    train_seconds = 12.5
    train_cpu_seconds = 20.0
    energy_wh = 0.2
    energy_method = "estimated"
    created_at = AN_INSTANT


class RunFactory(DjangoModelFactory):
    """A queued mapping year; only one run of a region may be open at a time."""

    class Meta:
        model = Run

    class Params:
        running = factory.Trait(
            state=RunState.RUNNING, attempt=1, progress=0.4, started_at=AN_INSTANT, heartbeat_at=AN_INSTANT
        )
        awaiting_decision = factory.Trait(
            state=RunState.AWAITING_DECISION,
            attempt=1,
            progress=0.5,
            started_at=AN_INSTANT,
            heartbeat_at=AN_INSTANT,
            version=factory.SubFactory(ModelVersionFactory),
        )
        finished = factory.Trait(
            state=RunState.FINISHED, attempt=1, progress=1.0, started_at=AN_INSTANT, ended_at=AN_INSTANT
        )
        failed = factory.Trait(
            state=RunState.FAILED,
            attempt=1,
            progress=0.3,
            started_at=AN_INSTANT,
            ended_at=AN_INSTANT,
            failure="stack/2024/s2.tif: no data value is set; write one with gdal_edit -a_nodata.",
        )
        stopped = factory.Trait(
            state=RunState.STOPPED, attempt=1, progress=0.2, started_at=AN_INSTANT, ended_at=AN_INSTANT
        )

    kind = RunKind.YEAR
    year = 2024
    region = factory.SubFactory(RegionFactory)
    mode = Mode.FRUGAL
    created_at = AN_INSTANT


class RunStepFactory(DjangoModelFactory):
    """A step that waits."""

    class Meta:
        model = RunStep

    class Params:
        running = factory.Trait(state=StepState.RUNNING, done=3, total=8)
        finished = factory.Trait(state=StepState.FINISHED, done=1, total=1, seconds=2.5, cpu_seconds=3.0)

    run = factory.SubFactory(RunFactory)
    position = factory.Sequence(lambda n: n % 30_000)
    name = "freeze"


class PredictorLayerFactory(DjangoModelFactory):
    """One band of a stack."""

    class Meta:
        model = PredictorLayer

    year = 2024
    file = "s2.tif"
    band = factory.Sequence(lambda n: n % 30_000 + 1)
    name = "B08"
    kind = "image"
