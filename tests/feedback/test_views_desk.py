import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from feedback.models import Report
from feedback.states import ReportState
from territories.states import Role
from tests import factories
from tests.feedback.desk_ground import make_ground, send
from tests.feedback.desk_pages import ENGLISH, decision, page, post, sheet, shown, state_of, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def ground():
    return make_ground()


@pytest.fixture
def desk(client, ground):
    """The pages, as an adjudicator of the whole region sees them."""
    client.force_login(ground.adjudicator)
    return client


# The queue.


def test_the_queue_shows_what_is_due_first_and_marks_what_is_late(desk, ground):
    today = timezone.localdate()
    later = send(ground, due_on=today + datetime.timedelta(days=9))
    late = send(ground, polygon=1, proposed=0, due_on=today - datetime.timedelta(days=2))
    response = page(desk)
    assert shown(response) == [late.pk, later.pk]
    assert [line.is_late for line in response.context["lines"]] == [True, False]
    assert "E1.2" in response.content.decode()


def test_the_filters_live_in_the_address_and_narrow_the_queue(desk, ground):
    low, high = send(ground), send(ground, polygon=3, proposed=0, stake="fort")
    other = send(ground, polygon=2, round=factories.RoundFactory(region=ground.round.region))
    assert shown(page(desk, stake="fort")) == [high.pk]
    assert shown(page(desk, habitat="J1.2")) == [high.pk]
    assert shown(page(desk, round=other.round.key)) == [other.pk]
    assert shown(page(desk, place="34001")) == [low.pk, high.pk, other.pk]
    take(low, ground.adjudicator)
    assert shown(page(desk, mine="on")) == [low.pk]
    assert shown(page(desk, state="in_review")) == [low.pk]
    assert shown(page(desk, late="on")) == []
    assert reverse("feedback:desk-report", args=[high.pk]) + "?stake=fort" in page(desk, stake="fort").content.decode()


def test_a_commune_that_does_not_exist_is_said_beside_its_field(desk, ground):
    response = page(desk, place="Nulle-Part-sur-Rien")
    assert response.status_code == 422
    assert "place" in response.context["form"].errors


def test_the_queue_says_who_holds_a_report_and_until_when(desk, ground):
    report = take(send(ground), ground.second)
    text = page(desk).content.decode()
    assert str(ground.second) in text
    assert timezone.localtime(report.locked_until).strftime("%H:%M") in text


def test_each_tab_counts_its_reports_and_one_s_own_proposals_are_not_to_sign(desk, ground):
    send(ground)
    for number, state in enumerate([ReportState.NEEDS_INFO, ReportState.AWAITING_FIELD, ReportState.WITHDRAWN]):
        send(ground, polygon=number, state=state)
    mine, theirs = send(ground, polygon=3, proposed=0), send(ground, polygon=3, proposed=1)
    for report, person in ((mine, ground.adjudicator), (theirs, ground.second)):
        take(report, person)
        form = decision(report)
        desk.force_login(person)
        assert post(desk, "propose", report, **form).status_code == 302
    desk.force_login(ground.adjudicator)
    response = page(desk, tab="a-signer")
    assert shown(response) == [theirs.pk]
    assert response.context["own_proposals"] == 1
    counts = {each["tab"].key: each["count"] for each in response.context["tabs"]}
    assert counts == {"a-traiter": 1, "a-signer": 1, "terrain": 1, "auteur": 1, "recours": 0, "clos": None}


def test_an_empty_queue_says_what_to_do(desk, ground):
    text = page(desk).content.decode()
    assert "Nothing here" in text
    assert "Look at those that wait for a signature." in text


def test_the_next_one_is_the_first_that_nobody_holds(desk, ground):
    today = timezone.localdate()
    held = send(ground, due_on=today)
    free = send(ground, polygon=1, proposed=0, due_on=today + datetime.timedelta(days=1))
    take(held, ground.second)
    response = desk.post(reverse("feedback:desk-next") + "?tab=a-traiter")
    assert response.url == reverse("feedback:desk-report", args=[free.pk]) + "?tab=a-traiter"
    assert Report.objects.get(pk=free.pk).locked_by == ground.adjudicator
    response = desk.post(reverse("feedback:desk-next"), follow=True, headers=ENGLISH)
    assert "Nothing is left to take" in response.content.decode()


def test_the_queue_costs_few_questions_however_many_its_reports(desk, ground, django_assert_max_num_queries):
    for number in range(12):
        send(ground, polygon=number % 4, proposed=(number + 1) % 4)
    page(desk)
    with django_assert_max_num_queries(45):
        page(desk)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.BOTANIST, Role.PLANNER])
def test_people_without_the_right_do_not_enter(client, ground, role):
    report = send(ground)
    client.force_login(factories.person_with(role))
    assert page(client).status_code == 403
    assert sheet(client, report).status_code == 403
    assert post(client, "take", report).status_code == 403


def test_a_visitor_is_asked_to_sign_in(client, ground):
    assert page(client).status_code == 302


def test_an_adjudicator_of_elsewhere_does_not_know_the_report(client, ground):
    elsewhere = factories.TerritoryFactory(outline=factories.square(12, 12))
    report = send(ground)
    client.force_login(factories.person_with(Role.ADJUDICATOR, elsewhere))
    assert shown(page(client)) == []
    assert sheet(client, report).status_code == 404
    assert post(client, "take", report).status_code == 404


# The lock.


def test_a_report_is_taken_held_and_let_go(desk, ground):
    report = send(ground)
    assert sheet(desk, report).context["form"] is None
    post(desk, "take", report)
    assert sheet(desk, report).context["form"] is not None
    answer = post(desk, "renew", report)
    assert answer.status_code == 200
    assert "until" in answer.json()
    post(desk, "let-go", report)
    assert state_of(report) == ReportState.SUBMITTED


def test_a_report_that_somebody_holds_opens_read_only_and_says_who(desk, ground):
    report = take(send(ground), ground.second)
    response = sheet(desk, report)
    assert response.context["form"] is None
    assert f"<strong>{ground.second}</strong> holds this report until" in response.content.decode()
    taken = post(desk, "take", report)
    assert taken.status_code == 409
    assert str(ground.second) in taken.content.decode()


def test_a_lock_that_was_lost_is_said_and_the_text_is_kept(desk, ground):
    report = take(send(ground), ground.adjudicator)
    Report.objects.filter(pk=report.pk).update(locked_until=timezone.now() - datetime.timedelta(minutes=1))
    take(report, ground.second)
    assert post(desk, "renew", report).status_code == 409
    response = post(desk, "propose", report, **decision(report, reply="Un long texte, soigné."))
    assert response.status_code == 409
    text = response.content.decode()
    assert str(ground.second) in text
    assert "Un long texte, soigné." in text


def test_the_author_never_decides_their_own_report(client, ground):
    report = send(ground, author=ground.adjudicator)
    client.force_login(ground.adjudicator)
    assert shown(page(client)) == []
    assert sheet(client, report).url == reverse("feedback:report", args=[report.pk])
    refused = post(client, "take", report)
    assert refused.status_code == 403
    assert "This report is yours" in refused.content.decode()
