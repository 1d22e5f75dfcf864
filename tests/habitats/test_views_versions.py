import pytest
from django.urls import reverse

from habitats.views.scorecard import Scorecard, parameter_lines, side_by_side
from ml.states import RunState, VersionState
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}
CODES = ("E1.2", "F6.1", "G2.1")


@pytest.fixture
def engineer(client):
    """A signed-in model engineer."""
    person = factories.person_with(Role.MODEL_ENGINEER)
    client.force_login(person)
    return person


@pytest.fixture
def legend():
    return [factories.HabitatTypeFactory(code=code, in_legend=True) for code in CODES]


def page(client, version):
    return client.get(reverse("habitats:version", args=[version.number]), headers=ENGLISH)


def decide(client, version, **fields):
    return client.post(reverse("habitats:version-decide", args=[version.number]), fields, headers=ENGLISH)


def test_a_visitor_sees_approved_versions_only(client):
    approved = factories.ModelVersionFactory(approved=True)
    hidden = [factories.ModelVersionFactory(), factories.ModelVersionFactory(rejected=True)]
    listed = client.get(reverse("habitats:version-list"))
    assert [row["version"] for row in listed.context["rows"]] == [approved]
    assert page(client, approved).status_code == 200
    assert [page(client, version).status_code for version in hidden] == [404, 404]


def test_an_engineer_sees_candidates_and_rejected_versions(client, engineer):
    versions = [factories.ModelVersionFactory(), factories.ModelVersionFactory(rejected=True)]
    assert {page(client, version).status_code for version in versions} == {200}


def test_the_page_shows_scores_matrix_card_and_samples(client, legend):
    counts = {"by_set": {"training": 30}, "by_origin": {"releve": 30}, "by_habitat": {"E1.2": 20, "F6.1": 10}}
    version = factories.ModelVersionFactory(
        approved=True, codes=CODES, training_set=factories.TrainingSetFactory(counts=counts, sample_count=30)
    )
    response = page(client, version)
    text = response.content.decode()
    assert version.artefact.sha256 in text
    assert version.training_set.sha256 in text
    assert "90 of 100 cells recognised" in text
    assert [group.title for group in response.context["counts"]] == ["By set", "By origin", "By habitat"]


def test_a_version_without_scores_says_why(client):
    version = factories.ModelVersionFactory(approved=True, metrics={"unscored": "No test sample covers a cell."})
    assert "No test sample covers a cell." in page(client, version).content.decode()


def test_the_matrix_has_a_column_for_cells_without_data():
    metrics = {"confusion": {"labels": ["E1.2", ""], "matrix": [[8, 2]]}, "per_class": {}}
    card = Scorecard(factories.ModelVersionFactory(metrics=metrics))
    (line,) = card.confusion
    assert (line.total, line.recognised, [cell.count for cell in line.mistakes]) == (10, 8, [2])
    assert card.column_totals == [8, 2]


def test_a_cell_with_one_mistake_is_never_as_pale_as_an_empty_one():
    metrics = {"confusion": {"labels": ["A", "B"], "matrix": [[999, 1], [0, 5]]}, "per_class": {}}
    lines = Scorecard(factories.ModelVersionFactory(metrics=metrics)).confusion
    assert [[cell.heat for cell in line.cells] for line in lines] == [[8, 1], [0, 8]]


def test_a_comparison_gives_the_difference_by_class():
    comparison = {
        "current": 1,
        "verdict": "better",
        "macro_f1": {"candidate": 0.9, "current": 0.8},
        "per_class": {"H1": {"candidate": 0.9, "current": 0.85}},
    }
    card = Scorecard(factories.ModelVersionFactory(comparison=comparison))
    assert card.macro_difference == pytest.approx(0.1)
    assert {row.code: row.f1_before for row in card.classes} == {"H1": 0.85, "H2": None, "H3": None}


def test_parameters_of_any_shape_take_one_line():
    assert parameter_lines({"trees": 300, "stack": ["a.tif"]}) == [("stack", '["a.tif"]'), ("trees", "300")]


def test_the_decision_form_is_for_those_who_may_decide(client):
    version = factories.ModelVersionFactory()
    client.force_login(factories.person_with(Role.CAMPAIGN_LEAD))
    assert page(client, version).context["form"] is None
    assert decide(client, version, decision="approve", reason="Bonne.").status_code == 403
    version.refresh_from_db()
    assert version.state == VersionState.CANDIDATE


def test_a_visitor_who_posts_a_decision_is_asked_to_sign_in(client):
    response = decide(client, factories.ModelVersionFactory(), decision="approve", reason="Bonne.")
    assert response.status_code == 302
    assert "/compte/login/" in response.url


def test_a_decision_without_a_reason_changes_nothing(client, engineer):
    version = factories.ModelVersionFactory()
    response = decide(client, version, decision="approve", reason="  ")
    assert response.status_code == 422
    assert "Say why" in response.content.decode()
    version.refresh_from_db()
    assert version.state == VersionState.CANDIDATE


@pytest.mark.django_db(transaction=True)
def test_an_approval_wakes_the_run_that_waited(client, engineer, broker):
    run = factories.RunFactory(awaiting_decision=True)
    response = decide(client, run.version, decision="approve", reason="Meilleure partout.")
    assert response.status_code == 302
    run.refresh_from_db()
    run.version.refresh_from_db()
    assert (run.state, run.version.state) == (RunState.QUEUED, VersionState.APPROVED)
    assert run.version.decided_by == engineer


def test_a_rejection_ends_the_run_that_waited(client, engineer):
    run = factories.RunFactory(awaiting_decision=True)
    decide(client, run.version, decision="reject", reason="Les pelouses reculent.")
    run.refresh_from_db()
    assert run.state == RunState.FINISHED


def test_a_version_already_decided_is_not_decided_again(client, engineer):
    version = factories.ModelVersionFactory(approved=True)
    response = decide(client, version, decision="reject", reason="Trop tard.")
    assert response.status_code == 409
    version.refresh_from_db()
    assert version.state == VersionState.APPROVED


def test_two_versions_stand_side_by_side_the_largest_difference_first(client):
    left = factories.ModelVersionFactory(approved=True)
    metrics = {**left.metrics, "per_class": {**left.metrics["per_class"], "H2": {"f1": 0.5}}}
    right = factories.ModelVersionFactory(approved=True, metrics=metrics)
    path = reverse("habitats:version-compare")
    response = client.get(path, {"left": left.number, "right": right.number}, headers=ENGLISH)
    assert response.context["lines"][0]["code"] == "H2"
    assert "not scored on the same samples" in response.content.decode()


def test_a_class_that_one_version_lacks_has_no_difference():
    left = factories.ModelVersionFactory(codes=("H1", "H2"))
    right = factories.ModelVersionFactory(codes=("H1",))
    lines = {line["code"]: line for line in side_by_side(left, right)}
    assert lines["H2"]["difference"] is None
    assert lines["H1"]["difference"] is not None


def test_a_hidden_version_cannot_be_compared(client):
    approved, candidate = factories.ModelVersionFactory(approved=True), factories.ModelVersionFactory()
    path = reverse("habitats:version-compare")
    assert client.get(path, {"left": approved.number, "right": candidate.number}).status_code == 404
    assert client.get(path).status_code == 200
