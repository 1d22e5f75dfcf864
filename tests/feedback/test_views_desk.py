import datetime
import json

import pytest
from django.urls import reverse
from django.utils import timezone

from feedback import actions
from feedback.models import Decision, Report
from feedback.states import DecisionResult, MessageKind, ReasonCode, ReportState
from habitats.models import Polygon
from territories.states import Role
from tests import factories
from tests.feedback.desk_ground import make_ground, send

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def ground():
    return make_ground()


@pytest.fixture
def desk(client, ground):
    """The pages, as an adjudicator of the whole region sees them."""
    client.force_login(ground.adjudicator)
    return client


def page(client, name="feedback:desk", *arguments, **parameters):
    return client.get(reverse(name, args=arguments), parameters, headers=ENGLISH)


def sheet(client, report):
    return page(client, "feedback:desk-report", report.pk)


def post(client, name, report, **fields):
    return client.post(reverse(f"feedback:desk-{name}", args=[report.pk]), fields, headers=ENGLISH)


def take(report, person):
    return actions.take_report(report=report, by=person, at=timezone.now())


def decision(report, **fields):
    """What the form of an accepted report sends."""
    line = report.polygons.get()
    return {
        "outcome": "accepted",
        "result": "error_to_correct",
        "reason_code": "confused_habitats",
        "to_type": report.proposed_type_id,
        "scope": "polygons",
        "seen": json.dumps([[line.number, line.version_seen]]),
        "reply": "Merci, la carte est corrigée.",
        **fields,
    }


def refusal(report, **fields):
    """What the form of a report that is not kept sends."""
    given = {"outcome": "rejected_spec", "result": "misunderstanding", "reason_code": "within_specification", **fields}
    return decision(report, **given)


def decided(report, adjudicator, **fields):
    """A decision that one signature was enough for."""
    take(report, adjudicator)
    proposal = actions.Proposal(
        outcome=ReportState.REJECTED_SPEC,
        result=DecisionResult.MISUNDERSTANDING,
        reason_code=ReasonCode.WITHIN_SPECIFICATION,
        reply="La carte suit ses définitions.",
        seen=tuple(report.polygons.values_list("number", "version_seen")),
        **fields,
    )
    now = timezone.now()
    proposed = actions.propose_decision(report=report, proposal=proposal, by=adjudicator, at=now)
    return actions.sign_decision(report=proposed, by=adjudicator, at=now)


def shown(response):
    return [line.report.pk for line in response.context["lines"]]


def state_of(report):
    return Report.objects.values_list("state", flat=True).get(pk=report.pk)


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
    response = sheet(client, report)
    assert "This report is yours" in response.content.decode()
    assert post(client, "take", report).status_code == 403


# The decision.


def test_propose_and_sign_corrects_the_map_in_one_submit_where_one_signature_is_enough(desk, ground):
    report = take(send(ground), ground.adjudicator)
    response = post(desk, "propose", report, sign="1", **decision(report))
    assert response.status_code == 302
    assert state_of(report) == ReportState.ACCEPTED
    polygon = Polygon.objects.get(vintage=ground.vintage, number=ground.polygons[0].number)
    assert polygon.habitat_type == ground.habitats[1]
    text = sheet(desk, report).content.decode()
    assert "What changes on the map" in text
    assert "Merci, la carte est corrigée." in text


def test_where_a_second_signature_is_needed_the_same_button_only_proposes(desk, ground):
    report = take(send(ground, polygon=3, proposed=0), ground.adjudicator)
    post(desk, "propose", report, sign="1", **decision(report))
    assert state_of(report) == ReportState.DECISION_PROPOSED
    text = sheet(desk, report).content.decode()
    assert "You proposed this: somebody else signs it." in text
    assert post(desk, "sign", report).status_code == 403


def test_another_adjudicator_reads_why_and_signs(client, desk, ground):
    report = take(send(ground, polygon=3, proposed=0), ground.adjudicator)
    post(desk, "propose", report, **decision(report))
    client.force_login(ground.second)
    response = sheet(client, report)
    text = response.content.decode()
    assert "Why a second signature is needed" in text
    assert "the correction lowers a stake" in text
    assert [change.from_type.code for change in response.context["sheet"].effects] == ["J1.2"]
    assert response.context["map"]["decided"]["code"] == "E1.2"
    assert post(client, "sign", report).status_code == 302
    assert state_of(report) == ReportState.ACCEPTED


def test_a_proposal_is_sent_back_with_a_reason(client, desk, ground):
    report = take(send(ground, polygon=3, proposed=0), ground.adjudicator)
    post(desk, "propose", report, **decision(report))
    client.force_login(ground.second)
    assert post(client, "send-back", report, text="").status_code == 422
    assert post(client, "send-back", report, text="Regardez l'image de juin.").status_code == 302
    assert state_of(report) == ReportState.IN_REVIEW
    assert "Regardez l&#x27;image de juin." in sheet(client, report).content.decode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"outcome": ""}, "outcome"),
        ({"result": "real_change"}, "result"),
        ({"reason_code": "out_of_scope"}, "reason_code"),
        ({"to_type": ""}, "to_type"),
        ({"scope": ""}, "scope"),
        ({"scope": "drawn"}, "scope"),
        ({"scope": "drawn", "outline": "no outline"}, "outline"),
        ({"scope": "drawn", "outline": '{"type": "Point", "coordinates": [2.3, 43.6]}'}, "outline"),
        ({"seen": "1;2"}, "seen"),
        ({"reply": " "}, "reply"),
        ({"outcome": "already_fixed", "reason_code": "already_corrected"}, "outcome"),
    ],
)
def test_what_does_not_go_together_is_said_beside_its_field(desk, ground, changes, field):
    report = take(send(ground), ground.adjudicator)
    response = post(desk, "propose", report, **decision(report, **changes))
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert state_of(report) == ReportState.IN_REVIEW


def test_a_polygon_that_changed_under_the_desk_is_named_and_the_text_is_kept(desk, ground):
    report = take(send(ground), ground.adjudicator)
    form = decision(report, reply="Un long texte, soigné.")
    Polygon.objects.filter(pk=ground.polygons[0].pk).update(version=2, habitat_type=ground.habitats[2])
    response = post(desk, "propose", report, **form)
    assert response.status_code == 409
    assert [each["polygon"].version for each in response.context["moved"]] == [2]
    text = response.content.decode()
    assert "from version 1 to version 2" in text
    assert "Un long texte, soigné." in text
    fresh = json.loads(response.context["form"].data["seen"])
    assert [ground.polygons[0].number, 2] in fresh
    again = post(desk, "propose", report, sign="1", **{**form, "seen": response.context["form"].data["seen"]})
    assert again.status_code == 302
    assert state_of(report) == ReportState.ACCEPTED


def test_an_outline_drawn_at_the_desk_cuts_the_polygon(desk, ground):
    report = take(send(ground), ground.adjudicator)
    west, south, east, north = ground.polygons[0].geometry.extent
    middle = (west + east) / 2
    ring = [[west, south], [middle, south], [middle, north], [west, north], [west, south]]
    outline = json.dumps({"type": "Polygon", "coordinates": [ring]})
    response = post(desk, "propose", report, sign="1", **decision(report, scope="drawn", outline=outline))
    assert response.status_code == 302
    assert state_of(report) == ReportState.ACCEPTED
    assert Decision.objects.get().outline is not None
    area = Polygon.objects.filter(vintage=ground.vintage, habitat_type=ground.habitats[0]).get().area_m2
    assert area == pytest.approx(ground.polygons[0].area_m2 / 2, rel=0.01)


def test_the_effect_is_told_before_sending(desk, ground):
    report = take(send(ground, polygon=3, proposed=0), ground.adjudicator)
    text = post(desk, "effect", report, **decision(report)).content.decode()
    assert "J1.2" in text
    assert "A second signature will be needed" in text
    assert "the correction lowers a stake" in text
    text = post(desk, "effect", report, **decision(report, to_type="")).content.decode()
    assert "Choose the habitat and what is corrected" in text
    text = post(desk, "effect", report, **decision(report, scope="drawn", outline="{")).content.decode()
    assert "The outline cannot be read." in text


def test_one_signature_is_said_to_be_enough_where_the_map_stays(desk, ground):
    report = take(send(ground), ground.adjudicator)
    text = post(desk, "effect", report, **refusal(report)).content.decode()
    assert "The map does not change." in text
    assert "One signature is enough." in text


def test_an_author_is_asked_and_a_report_is_sent_to_the_field(desk, ground):
    report = take(send(ground), ground.adjudicator)
    assert post(desk, "ask", report, text=" ").status_code == 422
    assert post(desk, "ask", report, text="Quelle date ?").status_code == 302
    assert state_of(report) == ReportState.NEEDS_INFO
    assert "Quelle date ?" in sheet(desk, report).content.decode()
    other = take(send(ground, polygon=1, proposed=0), ground.adjudicator)
    post(desk, "field", other)
    assert state_of(other) == ReportState.AWAITING_FIELD
    post(desk, "take", other)
    assert sheet(desk, other).context["form"] is not None


def test_a_near_duplicate_is_joined_to_the_other_report(desk, ground):
    master, copy = send(ground), send(ground)
    copy.near.add(master)
    response = sheet(desk, copy)
    assert response.context["sheet"].duplicates == [master]
    post(desk, "merge", copy, master=master.pk)
    assert state_of(copy) == ReportState.MERGED
    assert post(desk, "merge", master, master=10_000).status_code == 302


# After the decision.


def test_the_panel_reads_the_decision_contested_and_the_new_evidence_first(client, ground):
    author = factories.person_with(Role.REVIEWER)
    report = decided(send(ground, author=author), ground.adjudicator)
    actions.appeal_report(report=report, by=author, new_evidence="Relevé du 3 juin.", at=timezone.now())
    client.force_login(ground.adjudicator)
    assert post(client, "take", report).status_code == 403
    client.force_login(factories.person_with(Role.APPEAL_PANEL))
    assert shown(page(client)) == [report.pk]
    post(client, "take", report)
    response = sheet(client, report)
    text = response.content.decode()
    assert response.context["form"] is not None
    assert text.index("Relevé du 3 juin.") < text.index("Map of the contested place")
    assert "La carte suit ses définitions." in text
    assert response.context["sheet"].new_evidence[0].kind == MessageKind.EVIDENCE


def test_a_release_administrator_takes_a_correction_back_knowing_what_returns(client, desk, ground):
    report = take(send(ground), ground.adjudicator)
    post(desk, "propose", report, sign="1", **decision(report))
    assert post(desk, "revert", report, text="Erreur.").status_code == 403
    client.force_login(factories.person_with(Role.RELEASE_ADMINISTRATOR))
    assert shown(page(client)) == [report.pk]
    back = sheet(client, report).context["sheet"].changes_back
    assert [(change.from_type.code, change.to_type.code) for change in back] == [("F6.1", "E1.2")]
    assert post(client, "revert", report, text="").status_code == 422
    assert post(client, "revert", report, text="Le terrain dit l'inverse.").status_code == 302
    assert state_of(report) == ReportState.REVERTED
    polygon = Polygon.objects.get(vintage=ground.vintage, number=ground.polygons[0].number)
    assert polygon.habitat_type == ground.habitats[0]


def test_the_report_leads_to_the_one_before_and_the_one_after_in_its_queue(desk, ground):
    today = timezone.localdate()
    first, second, third = (
        send(ground, polygon=number, proposed=3, due_on=today + datetime.timedelta(days=number)) for number in range(3)
    )
    beside = sheet(desk, second).context["beside"]
    assert (beside["previous"], beside["next"], beside["position"]) == (first.pk, third.pk, 2)


def test_a_script_in_a_comment_is_text(desk, ground):
    report = send(ground, comment="<script>alert(1)</script>")
    text = sheet(desk, report).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_neighbours_are_listed_with_the_side_they_share(desk, ground):
    neighbours = sheet(desk, send(ground)).context["sheet"].neighbours
    assert {each.polygon.number for each in neighbours} == {polygon.number for polygon in ground.polygons[1:3]}
    assert max(each.side_m for each in neighbours) == pytest.approx(222, rel=0.02)


def test_samples_of_the_audit_are_never_counted(desk, ground):
    factories.SampleFactory(audit=True, habitat_type=ground.habitats[0])
    samples = sheet(desk, send(ground)).context["sheet"].samples
    assert {row["habitat_type"].code: row["samples"] for row in samples}["E1.2"] == 1
