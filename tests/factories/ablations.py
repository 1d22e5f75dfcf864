"""What reports brought to a version."""

import factory
from factory.django import DjangoModelFactory

from habitats.models import Ablation
from ml.states import Mode, RunKind
from tests.factories.ground import AN_INSTANT
from tests.factories.ml import ModelVersionFactory, RunFactory


class AblationFactory(DjangoModelFactory):
    """Five pairs that tell a gain; `doubtful=True` is one that chance explains."""

    class Meta:
        model = Ablation

    class Params:
        doubtful = factory.Trait(
            differences={
                name: {"mean": 0.002, "low": -0.01, "high": 0.014, "pairs": 5}
                for name in ("macro_f1", "overall_accuracy")
            }
        )

    version = factory.SubFactory(ModelVersionFactory, approved=True)
    run = factory.SubFactory(RunFactory, kind=RunKind.ABLATION, finished=True)
    source_prefix = "report:"
    mode = Mode.FRUGAL
    sample_count = 12
    sample_weight = 0.08
    pairs = factory.LazyFunction(list)
    differences = factory.LazyFunction(
        lambda: {
            "macro_f1": {"mean": 0.021, "low": 0.008, "high": 0.034, "pairs": 5},
            "overall_accuracy": {"mean": 0.012, "low": 0.003, "high": 0.021, "pairs": 5},
        }
    )
    created_at = AN_INSTANT
