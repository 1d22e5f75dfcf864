import datetime

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from habitats.mapping_year import STEPS_OF_KIND
from ml.models import Run
from ml.states import RunKind, RunState
from ml.views.progress import WORDS_OF_KIND, RunProgress, duration_words
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def engineer(client):
    """A signed-in model engineer."""
    person = factories.person_with(Role.MODEL_ENGINEER)
    client.force_login(person)
    return person


def page(client, run, name="ml:run", **parameters):
    return client.get(reverse(name, args=[run.pk]), parameters, headers=ENGLISH)


def post(client, name, run):
    return client.post(reverse(name, args=[run.pk]), headers=ENGLISH)


@pytest.mark.parametrize("kind", STEPS_OF_KIND)
def test_every_step_that_a_run_plays_has_its_words(kind):
    assert list(WORDS_OF_KIND[kind]) == [name for name, _step, _weight in STEPS_OF_KIND[kind]]


def test_a_visitor_sees_finished_runs_without_what_is_for_those_who_run_them(client):
    finished, failed = factories.RunFactory(finished=True), factories.RunFactory(failed=True)
    assert [line.run for line in client.get(reverse("ml:run-list")).context["lines"]] == [finished]
    assert page(client, failed).status_code == 404
    assert page(client, failed, "ml:run-progress").status_code == 404
    text = page(client, finished).content.decode()
    assert "Asked by" not in text
    assert "Stop" not in text


def test_a_failed_run_says_why_and_can_be_started_again(client, engineer):
    run = factories.RunFactory(failed=True)
    text = page(client, run).content.decode()
    assert "no data value is set" in text
    assert reverse("ml:run-requeue", args=[run.pk]) in text


def test_the_moving_part_asks_for_itself_while_the_run_is_open_and_stops_with_it(client, engineer):
    run = factories.RunFactory(running=True)
    assert 'hx-trigger="every 2s"' in page(client, run, "ml:run-progress", state="running").content.decode()
    Run.objects.filter(pk=run.pk).update(state=RunState.FINISHED, ended_at=timezone.now())
    assert "hx-trigger" not in page(client, run, "ml:run-progress", state="running").content.decode()


def test_the_buttons_come_with_the_moving_part_only_when_the_state_has_changed(client, engineer):
    run = factories.RunFactory(running=True)
    assert "hx-swap-oob" not in page(client, run, "ml:run-progress", state="running").content.decode()
    assert "hx-swap-oob" in page(client, run, "ml:run-progress", state="queued").content.decode()


def test_a_run_that_waits_for_a_decision_leads_to_its_version(client, engineer):
    run = factories.RunFactory(awaiting_decision=True)
    assert f"{reverse('habitats:version', args=[run.version.number])}#decision" in page(client, run).content.decode()


def test_steps_that_have_not_begun_are_shown_waiting():
    run = factories.RunFactory(running=True)
    factories.RunStepFactory(run=run, finished=True, name="freeze", position=0)
    factories.RunStepFactory(run=run, running=True, name="train", position=1)
    progress = RunProgress(run, timezone.now())
    assert [line.step.state for line in progress.steps[:3]] == ["finished", "running", "waiting"]
    assert len(progress.steps) == len(STEPS_OF_KIND[RunKind.YEAR])
    assert progress.current_step.percent == 38


def test_what_is_left_is_told_at_the_pace_so_far_and_not_from_the_first_instants():
    run = factories.RunFactory(running=True, progress=0.25)
    moment = run.started_at + datetime.timedelta(seconds=30)
    with translation.override("en"):
        assert RunProgress(run, moment).left.split() == ["1", "min", "30", "s"]
        run.progress = 0.01
        assert RunProgress(run, moment).left == ""


def test_a_silent_run_says_for_how_long():
    run = factories.RunFactory(running=True)
    with translation.override("en"):
        assert RunProgress(run, run.heartbeat_at + datetime.timedelta(seconds=40)).silence.split() == ["40", "s"]
        assert RunProgress(run, run.heartbeat_at + datetime.timedelta(seconds=4)).silence == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (7_500, "2 h 05 min")]
)
def test_durations_are_told_in_words(seconds, words):
    with translation.override("en"):
        assert duration_words(seconds).replace("\xa0", " ") == words


@pytest.mark.django_db(transaction=True)
def test_an_engineer_starts_a_year(client, engineer, broker):
    factories.RegionFactory(years=[2023, 2024])
    fields = {"year": 2024, "mode": "frugal", "seed": 7, "decision": "person"}
    response = client.post(reverse("ml:run-start"), fields)
    run = Run.objects.get()
    assert response.url == reverse("ml:run", args=[run.pk])
    assert (run.year, run.mode, run.seed, run.parameters) == (2024, "frugal", 7, {"decision": "person"})
    assert run.requested_by == engineer


def test_a_year_without_predictors_is_refused_beside_its_field(client, engineer):
    factories.RegionFactory(years=[2024])
    response = client.post(reverse("ml:run-start"), {"year": 1999, "mode": "frugal", "seed": -1, "decision": "gate"})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"year", "seed"}
    assert not Run.objects.exists()


def test_a_second_year_waits_for_the_first(client, engineer):
    factories.RunFactory(running=True)
    fields = {"year": 2024, "mode": "frugal", "seed": 0, "decision": "person"}
    response = client.post(reverse("ml:run-start"), fields, headers=ENGLISH)
    assert response.status_code == 409
    assert "Wait for its end, or stop it first." in response.content.decode()


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.RELEASE_ADMINISTRATOR])
def test_people_without_the_right_see_no_form_and_start_nothing(client, role):
    factories.RegionFactory()
    client.force_login(factories.person_with(role))
    assert client.get(reverse("ml:run-list")).context["form"] is None
    fields = {"year": 2024, "mode": "frugal", "seed": 0, "decision": "person"}
    assert client.post(reverse("ml:run-start"), fields).status_code == 403
    assert not Run.objects.exists()


def test_a_visitor_who_posts_is_asked_to_sign_in(client):
    run = factories.RunFactory(running=True)
    for name in ("ml:run-stop", "ml:run-requeue"):
        response = post(client, name, run)
        assert response.status_code == 302
        assert "/compte/login/" in response.url


def test_the_release_administrator_stops_a_run_and_does_not_start_it_again(client):
    run = factories.RunFactory()
    client.force_login(factories.person_with(Role.RELEASE_ADMINISTRATOR))
    assert post(client, "ml:run-stop", run).status_code == 302
    run.refresh_from_db()
    assert run.state == RunState.STOPPED
    assert post(client, "ml:run-requeue", run).status_code == 403


def test_a_running_run_is_asked_to_stop(client, engineer):
    run = factories.RunFactory(running=True)
    post(client, "ml:run-stop", run)
    run.refresh_from_db()
    assert run.state == RunState.RUNNING
    assert run.stop_requested_at is not None
    assert "A stop was asked for" in page(client, run).content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_engineer_starts_a_stopped_run_again(client, engineer, broker):
    run = factories.RunFactory(stopped=True)
    post(client, "ml:run-requeue", run)
    run.refresh_from_db()
    assert run.state == RunState.QUEUED
