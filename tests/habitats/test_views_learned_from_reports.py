import pytest
from django.urls import reverse

from ml.models import Run
from ml.states import RunKind
from territories.states import Role
from tests import factories
from tests.factories.ablations import AblationFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}
FROM_REPORTS = {
    "samples": 12,
    "carried": 5,
    "set_aside": 0,
    "weight": 5.4,
    "weight_share": 0.083,
    "by_year": {"2023": 5, "2024": 7},
}


@pytest.fixture
def version():
    training_set = factories.TrainingSetFactory(counts={"from_reports": FROM_REPORTS})
    factories.RegionFactory()
    return factories.ModelVersionFactory(approved=True, training_set=training_set)


def text_of(client, version):
    return client.get(reverse("habitats:version", args=[version.number]), headers=ENGLISH).content.decode()


def test_the_page_of_a_version_says_what_came_from_reports(client, version):
    text = text_of(client, version)
    assert "12 of its samples came from accepted reports" in text
    assert "8.3 %" in text
    assert "5 describe earlier years" in text
    assert "Reports on the map of 2023" in text


def test_a_version_that_owes_nothing_to_reports_says_so(client):
    assert "None of its samples came from a report" in text_of(client, factories.ModelVersionFactory(approved=True))


@pytest.mark.parametrize(("doubtful", "word"), [(False, "better with them"), (True, "cannot be told from chance")])
def test_a_measure_is_shown_with_its_interval_and_in_a_word(client, version, doubtful, word):
    AblationFactory(version=version, doubtful=doubtful)
    text = text_of(client, version)
    assert word in text
    assert ("−0.010 … +0.014" if doubtful else "+0.008 … +0.034") in text


def test_an_engineer_asks_for_a_measure_and_follows_its_run(client, version):
    client.force_login(factories.person_with(Role.MODEL_ENGINEER))
    assert "Measure what they brought" in text_of(client, version)
    answer = client.post(reverse("habitats:version-measure", args=[version.number]))
    run = Run.objects.get()
    assert (run.kind, run.parameters["version"]) == (RunKind.ABLATION, version.pk)
    assert answer["Location"] == reverse("ml:run", args=[run.pk])
    assert client.get(answer["Location"]).status_code == 200


def test_a_measure_waits_for_the_end_of_another_run(client, version):
    client.force_login(factories.person_with(Role.MODEL_ENGINEER))
    factories.RunFactory(running=True)
    answer = client.post(reverse("habitats:version-measure", args=[version.number]), follow=True, headers=ENGLISH)
    assert "not finished" in answer.content.decode()
    assert Run.objects.count() == 1


def test_others_cannot_ask_for_a_measure(client, version):
    assert "Measure what they brought" not in text_of(client, version)
    client.force_login(factories.person_with(Role.REVIEWER))
    assert client.post(reverse("habitats:version-measure", args=[version.number]), follow=True).status_code == 200
    assert not Run.objects.exists()
