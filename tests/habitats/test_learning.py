"""What the samples of reports brought: measured on a small region whose reports know the truth."""

import datetime
import json

import pytest
from django.core.management import call_command
from django.utils import timezone
from shapely import from_wkb

from bioccia.errors import InvalidFieldsError
from habitats import learning, queries
from habitats.importers.region_folder import import_region_folder
from habitats.mapping_year import play_run, steps_of
from habitats.models import Ablation, HabitatType, Sample
from habitats.states import SampleOrigin, SampleSet
from ml.actions import request_run
from ml.compute.paired import paired_difference
from ml.compute.samples import BLOCK_CELLS, closed_ground
from ml.models import ModelVersion
from ml.states import Mode, RunKind, RunState
from ml.views.progress import RunProgress, words_of
from tests.factories import RunFactory
from tests.ml.compute.tiny_regions import write_tiny_region

pytestmark = pytest.mark.django_db(transaction=True)
YEAR = 2024
REPORTS = 2


@pytest.fixture
def region(tmp_path, settings):
    """A tiny region where a few training samples came from reports."""
    settings.FILES_DIR = tmp_path / "files"
    tiny = write_tiny_region(tmp_path / "region")
    region = import_region_folder(tiny.path, at=timezone.now()).region
    # Its given splits stand side by side: only what lies off the blocks that score may come from reports.
    closed = closed_ground(tiny.samples, BLOCK_CELLS * 10.0)
    away = [
        sample
        for sample in Sample.objects.filter(sample_set=SampleSet.TRAINING).order_by("key")
        if not from_wkb(bytes(sample.geometry.transform(2154, clone=True).wkb)).intersects(closed)
    ]
    for number, sample in enumerate(away[:REPORTS]):
        sample.key, sample.origin = f"report:abc-{number}:{number}", SampleOrigin.REPORT
        sample.save()
    return region


@pytest.fixture
def version(region):
    run = request_run(
        region=region,
        year=YEAR,
        kind=RunKind.TRAINING,
        mode=Mode.FRUGAL,
        at=timezone.now(),
        by=None,
        parameters={"decision": "later"},
    )
    play_run(run.pk)
    return ModelVersion.objects.get()


def ask(region, version, **parameters):
    run = request_run(
        region=region,
        year=YEAR,
        kind=RunKind.ABLATION,
        mode=Mode.FRUGAL,
        at=timezone.now(),
        by=None,
        parameters={"version": version.pk, "seeds": 3, **parameters},
    )
    play_run(run.pk)
    run.refresh_from_db()
    return run


def test_a_round_of_reports_is_measured_pair_by_pair(region, version):
    run = ask(region, version)
    assert (run.state, run.failure) == (RunState.FINISHED, "")
    ablation = Ablation.objects.get()
    assert (ablation.version, ablation.sample_count, ablation.mode) == (version, REPORTS, Mode.FRUGAL)
    assert [pair["seed"] for pair in ablation.pairs] == [0, 1, 2]
    assert {"macro_f1", "overall_accuracy"} == set(ablation.differences)
    gain = ablation.differences["macro_f1"]
    expected = paired_difference(
        [pair["with"]["macro_f1"] for pair in ablation.pairs], [pair["without"]["macro_f1"] for pair in ablation.pairs]
    )
    assert (gain["mean"], gain["low"], gain["pairs"]) == (expected.mean, expected.low, 3)
    assert 0 < ablation.sample_weight < 1


def test_a_killed_measure_goes_on_with_the_pairs_it_has_not_done(region, version, monkeypatch):
    real, calls = learning._scores, []

    def dies_once(*given):
        calls.append(given)
        if len(calls) == 3:
            raise ConnectionError
        return real(*given)

    monkeypatch.setattr(learning, "_scores", dies_once)
    run = request_run(
        region=region,
        year=YEAR,
        kind=RunKind.ABLATION,
        mode=Mode.FRUGAL,
        at=timezone.now(),
        by=None,
        parameters={"version": version.pk, "seeds": 2},
    )
    with pytest.raises(ConnectionError):
        play_run(run.pk)
    play_run(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.FINISHED
    assert len(calls) == 5  # two of the first pair, one lost, two of the second


def test_reports_can_be_chosen_by_their_sources(region, version):
    ask(region, version, sources=["report:abc-1", "report:other"], seeds=2)
    assert Ablation.objects.get().sample_count == 1


def test_a_version_without_such_samples_has_nothing_to_measure(region, version):
    run = ask(region, version, source_prefix="report:zzz")
    assert run.state == RunState.FAILED
    assert str(version.number) in run.failure
    assert not Ablation.objects.exists()


def test_a_run_that_names_no_version_says_so(region):
    run = RunFactory(kind=RunKind.ABLATION, region=region, running=True)
    with pytest.raises(InvalidFieldsError):
        learning._version(type("Session", (), {"run": run}))


def test_the_command_measures_and_answers_in_json(region, version, capsys):
    call_command("measure_reports", str(version.number), "--seeds", "2", "--mode", "frugal")
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["version"] == version.number
    assert answer["macro_f1"]["pairs"] == 2


def test_the_steps_of_a_measure_have_names(region):
    run = RunFactory(kind=RunKind.ABLATION, region=region, parameters={"seeds": 3})
    names = [name for name, _step, _weight in steps_of(run)]
    assert names == list(words_of(run))
    now = datetime.datetime.now(datetime.UTC)
    assert [line.step.name for line in RunProgress(run, now).steps] == names


def test_the_card_counts_what_came_from_reports(version):
    assert version.training_set.counts["from_reports"]["samples"] == REPORTS
    assert len(queries.training_samples(YEAR)) == version.training_set.sample_count
    assert HabitatType.objects.exists()


@pytest.mark.parametrize(
    ("first", "second", "mean", "low", "high"),
    [
        ([0.8, 0.9, 0.7], [0.7, 0.8, 0.6], 0.1, 0.1, 0.1),
        ([1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0], 2.5, 0.4458, 4.5542),
        ([0.5], [0.4], 0.1, None, None),
    ],
)
def test_a_paired_difference_has_the_interval_of_student(first, second, mean, low, high):
    found = paired_difference(first, second)
    assert found.mean == pytest.approx(mean)
    assert (found.low, found.high) == (
        (None, None) if low is None else (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    )
