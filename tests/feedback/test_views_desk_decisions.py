import datetime
import json

import pytest
from django.contrib.gis.geos import Polygon as Outline
from django.utils import timezone

from feedback import actions
from feedback.models import Decision
from feedback.states import MessageKind, ReportState
from habitats.models import Polygon
from territories.states import Role
from tests import factories
from tests.feedback.desk_ground import make_ground, send, small_square
from tests.feedback.desk_pages import decided, decision, page, post, refusal, sheet, shown, state_of, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def ground():
    return make_ground()


@pytest.fixture
def desk(client, ground):
    """The pages, as an adjudicator of the whole region sees them."""
    client.force_login(ground.adjudicator)
    return client


# The decision.


def test_propose_and_sign_corrects_the_map_in_one_submit_where_one_signature_is_enough(desk, ground):
    report = take(send(ground), ground.adjudicator)
    response = post(desk, "propose", report, sign="1", **decision(report))
    assert response.status_code == 302
    assert state_of(report) == ReportState.ACCEPTED
    polygon = Polygon.objects.get(vintage=ground.vintage, number=ground.polygons[0].number)
    assert polygon.habitat_type == ground.habitats[1]
    text = sheet(desk, report).content.decode()
    assert "What changed on the map" in text
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


def test_a_polygon_that_left_the_map_before_does_not_hold_the_others_up(desk, ground):
    report = send(ground)
    gone = factories.PolygonFactory(vintage=ground.vintage, outline=small_square(5, 5))
    factories.ReportPolygonFactory(report=report, polygon=gone)
    gone.delete()
    take(report, ground.adjudicator)
    seen = sheet(desk, report).context["form"].initial["seen"]
    assert post(desk, "propose", report, sign="1", **decision(report, seen=seen)).status_code == 302
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


def test_the_outline_of_the_author_is_corrected_as_it_was_drawn(desk, ground):
    west, south, east, north = ground.polygons[0].geometry.extent
    drawn = Outline.from_bbox((west, south, (west + east) / 2, north))
    drawn.srid = 4326
    report = take(send(ground, geometry=drawn, is_drawn=True), ground.adjudicator)
    page_before = sheet(desk, report)
    assert page_before.context["form"].initial["scope"] == "author"
    assert [piece.polygon.number for piece in page_before.context["sheet"].covered] == [ground.polygons[0].number]
    response = post(desk, "propose", report, sign="1", **decision(report, scope="author"))
    assert response.status_code == 302
    area = Polygon.objects.get(vintage=ground.vintage, habitat_type=ground.habitats[0]).area_m2
    assert area == pytest.approx(ground.polygons[0].area_m2 / 2, rel=0.01)


def test_a_report_already_corrected_names_the_correction(desk, ground):
    first, second = send(ground), send(ground)
    take(first, ground.adjudicator)
    post(desk, "propose", first, sign="1", **decision(first))
    take(second, ground.adjudicator)
    form = sheet(desk, second).context["form"]
    ((correction, _words),) = form.fields["fixed_by"].choices[1:]
    given = {"outcome": "already_fixed", "reason_code": "already_corrected", "seen": form.initial["seen"]}
    assert post(desk, "propose", second, **decision(second, **given)).status_code == 422
    given["fixed_by"] = correction
    assert post(desk, "propose", second, sign="1", **decision(second, **given)).status_code == 302
    assert state_of(second) == ReportState.ALREADY_FIXED


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
