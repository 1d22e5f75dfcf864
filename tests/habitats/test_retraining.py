import pytest

from bioccia.errors import StateForbidsError
from habitats import retraining
from ml.actions import record_comparison
from ml.models import ModelVersion, Run
from ml.run_session import working_on
from ml.states import VersionState
from tests.factories import ModelVersionFactory, RunFactory, RunStepFactory

WORSE = {"verdict": "worse", "macro_f1": {"candidate": 0.5, "current": 0.8}}
pytestmark = pytest.mark.django_db(transaction=True)


def run_of(candidate, current):
    record_comparison(version=candidate, current=current, comparison=WORSE)
    run = RunFactory(version=candidate, parameters={"decision": "gate"})
    RunStepFactory(run=run, name="train", finished=True, outputs={"version": candidate.pk})
    return run


def test_a_year_whose_candidate_the_gate_rejects_is_mapped_with_the_version_that_did_better():
    current, candidate = ModelVersionFactory(approved=True), ModelVersionFactory()
    run = run_of(candidate, current)
    with working_on(run.pk) as session:
        session.play([("decide", retraining.decide, 1)])
        assert session.run.version == current
    candidate.refresh_from_db()
    assert (candidate.state, "0.500" in candidate.reason) == (VersionState.REJECTED, True)
    assert Run.objects.get().version == current
    assert run.steps.get(name="decide").outputs["rejected"] == candidate.number


def test_a_rejected_candidate_never_maps_where_there_is_no_other_version():
    candidate = ModelVersionFactory()
    run = run_of(candidate, None)
    with working_on(run.pk) as session, pytest.raises(StateForbidsError, match=str(candidate.number)):
        session.play([("decide", retraining.decide, 1)])
    assert not ModelVersion.objects.approved().exists()
