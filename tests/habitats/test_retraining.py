import pytest

from bioccia.errors import StateForbidsError
from habitats import mapping, retraining
from ml.actions import record_comparison
from ml.models import ModelVersion
from ml.run_session import working_on
from ml.states import VersionState
from tests.factories import ModelVersionFactory, RunFactory, RunStepFactory

WORSE = {"verdict": "worse", "macro_f1": {"candidate": 0.5, "current": 0.8}}


@pytest.mark.django_db(transaction=True)
def test_a_rejection_by_the_gate_outlives_the_run_that_it_ends():
    version = ModelVersionFactory()
    record_comparison(version=version, current=None, comparison=WORSE)
    run = RunFactory(version=version, parameters={"decision": "gate"})
    RunStepFactory(run=run, name="train", finished=True, outputs={"version": version.pk})
    steps = [("decide", retraining.decide, 1), ("map_by_windows", mapping.map_by_windows, 1)]
    with working_on(run.pk) as session, pytest.raises(StateForbidsError, match=r"0\.500"):
        session.play(steps)
    assert ModelVersion.objects.get(pk=version.pk).state == VersionState.REJECTED
