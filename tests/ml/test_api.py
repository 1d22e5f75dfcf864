import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.authtoken.models import Token

from ml.models import ModelVersion, Run
from ml.states import RunState, VersionState
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db
RUNS, VERSIONS = "/api/v1/runs/", "/api/v1/model-versions/"
PROBLEM = "application/problem+json"


def send(client, address, **body):
    return client.post(address, body, content_type="application/json")


@pytest.fixture
def engineer(client):
    """A model engineer who has signed in."""
    person = factories.person_with(Role.MODEL_ENGINEER)
    client.force_login(person)
    return person


def test_runs_ask_for_an_identity_then_for_a_mandate(client):
    factories.RunFactory()
    answer = client.get(RUNS)
    assert (answer.status_code, answer["WWW-Authenticate"], answer["Content-Type"]) == (401, "Token", PROBLEM)
    client.force_login(factories.UserFactory())
    assert client.get(RUNS).status_code == 403
    client.force_login(factories.person_with(Role.MODEL_ENGINEER))
    assert client.get(RUNS).json()["count"] == 1


def test_a_reviewer_sees_finished_runs_only(client):
    factories.RunFactory(running=True)
    finished = factories.RunFactory(finished=True)
    client.force_login(factories.person_with(Role.REVIEWER))
    assert [run["id"] for run in client.get(RUNS).json()["results"]] == [finished.pk]


def test_a_run_shows_its_steps(client, engineer):
    step = factories.RunStepFactory(running=True, run__running=True)
    body = client.get(f"{RUNS}{step.run_id}/").json()
    assert (body["state"], body["version"]) == ("running", None)
    assert body["steps"][0] | {"name": "freeze", "done": 3, "total": 8} == body["steps"][0]


def test_a_list_of_runs_asks_as_often_for_one_as_for_many(client, engineer):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(RUNS).status_code == 200
        return len(queries)

    factories.RunStepFactory(run__finished=True)
    once = asked()
    for _more in range(4):
        factories.RunStepFactory(run__finished=True)
    assert asked() == once


def test_an_engineer_starts_a_year(client, engineer):
    factories.RegionFactory()
    answer = send(client, RUNS, year=2024, mode="frugal", seed=5)
    assert answer.status_code == 201
    run = Run.objects.get(pk=answer.json()["id"])
    assert (run.year, run.mode, run.seed, run.requested_by) == (2024, "frugal", 5, engineer)
    assert run.parameters == {"decision": "person"}


def test_a_second_open_run_conflicts(client, engineer):
    factories.RunFactory(running=True)
    answer = send(client, RUNS, year=2024)
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (409, PROBLEM, "run_open")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "year"),
        ({"year": 1999}, "year"),
        ({"year": "x"}, "year"),
        ({"year": 2024, "mode": "lavish"}, "mode"),
        ({"year": 2024, "seed": 2**40}, "seed"),
        ({"year": 2024, "decision": "nobody"}, "decision"),
    ],
)
def test_a_wrong_field_is_named(client, engineer, body, field):
    factories.RegionFactory()
    answer = send(client, RUNS, **body)
    assert (answer.status_code, answer["Content-Type"]) == (422, PROBLEM)
    assert list(answer.json()["fields"]) == [field]


def test_a_body_that_is_not_json_is_a_problem(client, engineer):
    answer = client.post(RUNS, "{", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert client.post(RUNS, "a=1", content_type="text/plain").status_code == 415


@pytest.mark.parametrize(("role", "status"), [(Role.REVIEWER, 403), (Role.RELEASE_ADMINISTRATOR, 403)])
def test_others_do_not_start_a_year(client, role, status):
    factories.RegionFactory()
    client.force_login(factories.person_with(role))
    answer = send(client, RUNS, year=2024)
    assert (answer.status_code, answer.json()["code"]) == (status, "not_allowed")


@pytest.mark.parametrize("address", [RUNS, f"{RUNS}1/stop/", f"{RUNS}1/restart/", f"{VERSIONS}1/approve/"])
def test_every_write_asks_for_an_identity(client, address):
    answer = send(client, address)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")


def test_a_queued_run_is_stopped_and_started_again(client, engineer):
    run = factories.RunFactory()
    assert send(client, f"{RUNS}{run.pk}/stop/").json()["state"] == "stopped"
    assert send(client, f"{RUNS}{run.pk}/stop/").status_code == 409
    assert send(client, f"{RUNS}{run.pk}/restart/").json()["state"] == "queued"
    assert send(client, f"{RUNS}{run.pk}/restart/").status_code == 409


def test_a_release_administrator_stops_a_run_and_a_reviewer_does_not(client):
    run = factories.RunFactory()
    client.force_login(factories.person_with(Role.REVIEWER))
    assert send(client, f"{RUNS}{run.pk}/stop/").status_code == 403
    client.force_login(factories.person_with(Role.RELEASE_ADMINISTRATOR))
    assert send(client, f"{RUNS}{run.pk}/stop/").status_code == 200


@pytest.mark.parametrize("move", ["stop", "restart"])
def test_a_run_that_is_not_there_is_not_found(client, engineer, move):
    assert send(client, f"{RUNS}999999/{move}/").status_code == 404


def test_visitors_see_approved_versions_only(client):
    approved = factories.ModelVersionFactory(approved=True)
    candidate = factories.ModelVersionFactory()
    found = client.get(VERSIONS).json()["results"]
    assert [version["number"] for version in found] == [approved.number]
    assert found[0]["macro_f1"] == pytest.approx(0.9)
    assert client.get(f"{VERSIONS}{candidate.number}/").status_code == 404


def test_the_card_of_a_version_says_what_it_learned_from(client):
    version = factories.ModelVersionFactory(approved=True)
    card = client.get(f"{VERSIONS}{version.number}/").json()
    assert card["training_set"]["sha256"] == version.training_set.sha256
    assert card["metrics"]["confusion"]["labels"] == ["H1", "H2", "H3"]
    assert (card["sha256"], card["compared_with"]) == (version.artefact.sha256, None)


def test_a_list_of_versions_asks_as_often_for_one_as_for_many(client, django_assert_num_queries):
    factories.ModelVersionFactory(approved=True)
    with django_assert_num_queries(2):
        client.get(VERSIONS)
    factories.ModelVersionFactory.create_batch(3, approved=True)
    with django_assert_num_queries(2):
        client.get(VERSIONS)


def test_an_approved_candidate_sets_its_run_going_again(client, engineer):
    run = factories.RunFactory(awaiting_decision=True)
    answer = send(client, f"{VERSIONS}{run.version.number}/approve/", reason="Better on wetlands.")
    assert (answer.status_code, answer.json()["state"], answer.json()["reason"]) == (
        200,
        "approved",
        "Better on wetlands.",
    )
    run.refresh_from_db()
    assert run.state == RunState.QUEUED


def test_a_rejected_candidate_ends_its_run(client, engineer):
    run = factories.RunFactory(awaiting_decision=True)
    assert send(client, f"{VERSIONS}{run.version.number}/reject/", reason="Worse.").status_code == 200
    run.refresh_from_db()
    assert run.state == RunState.FINISHED
    assert ModelVersion.objects.get(pk=run.version_id).state == VersionState.REJECTED


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_decision_without_a_reason_names_the_field(client, engineer, reason):
    version = factories.ModelVersionFactory()
    answer = send(client, f"{VERSIONS}{version.number}/approve/", reason=reason)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["reason"])


def test_a_decided_version_is_not_decided_again(client, engineer):
    version = factories.ModelVersionFactory(approved=True)
    assert send(client, f"{VERSIONS}{version.number}/reject/", reason="Late.").status_code == 409


def test_who_may_not_know_a_candidate_does_not_find_it_and_who_may_not_decide_is_refused(client):
    version = factories.ModelVersionFactory()
    client.force_login(factories.person_with(Role.REVIEWER))
    assert send(client, f"{VERSIONS}{version.number}/approve/", reason="x").status_code == 404
    client.force_login(factories.person_with(Role.VALIDATOR))
    assert send(client, f"{VERSIONS}{version.number}/approve/", reason="x").status_code == 403


def test_a_token_is_an_identity(client):
    token = Token.objects.create(user=factories.person_with(Role.MODEL_ENGINEER))
    assert client.get(RUNS, headers={"Authorization": f"Token {token.key}"}).status_code == 200
    answer = client.get(RUNS, headers={"Authorization": "Token wrong"})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")


@pytest.mark.service
@pytest.mark.django_db(transaction=True)
def test_a_year_is_asked_for_even_while_the_broker_is_down(client, parts):
    factories.RegionFactory()
    client.force_login(factories.person_with(Role.MODEL_ENGINEER))
    parts.kill_broker()
    try:
        answer = send(client, RUNS, year=2024)
    finally:
        parts.revive()
    assert answer.status_code == 201
    assert Run.objects.get(pk=answer.json()["id"]).state == RunState.QUEUED
