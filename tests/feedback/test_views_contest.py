import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from feedback.models import Report
from feedback.states import ReportState
from habitats.models import Polygon
from tests import factories
from tests.factories.feedback import ReportFactory, RoundFactory
from tests.feedback.contest_ground import HERE, NEXT_DOOR, contest_ground, days_left

pytestmark = pytest.mark.django_db


@pytest.fixture
def ground():
    """Two communes with a polygon each, an open round on both, a reviewer of the first one."""
    return contest_ground()


@pytest.fixture
def signed_in(client, ground):
    client.force_login(ground["reviewer"])
    return client


def facts(ground, **changes):
    polygon = ground["polygons"][0]
    return {
        "client_uuid": str(uuid.uuid4()),
        "round": ground["round"].key,
        "polygons": [f"{polygon.pk}:{polygon.version}:{polygon.habitat_type.code}"],
        "outline": "",
        "error_type": "attribute",
        "proposed_type": "G2.1",
        "evidence_type": "knowledge",
        "observed_on": "",
        "confidence": "2",
        "comment": "Un bois de chênes.",
        "action": "submit",
        **changes,
    }


def send(client, data):
    return client.post(reverse("feedback:contest"), data)


def test_the_page_names_the_round_and_until_when_it_is_open(signed_in, ground):
    page = signed_in.get(reverse("feedback:contest")).content.decode()
    assert "Tour M1" in page
    assert f"{days_left(ground['round'])} " in page


def test_a_polygon_is_chosen_by_position_number_or_key(signed_in, ground):
    polygon = ground["polygons"][0]
    for question in ({"lon": HERE[0], "lat": HERE[1]}, {"number": polygon.number}, {"polygon": polygon.pk}):
        answer = signed_in.get(reverse("feedback:contest-polygon"), {"round": ground["round"].key, **question})
        assert answer.status_code == 200
        assert f'value="{polygon.pk}:1:F6.1"' in answer.content.decode()
        assert "33 %" in answer.content.decode()


def test_next_door_is_refused_with_the_names_of_both_places(signed_in, ground):
    question = {"round": ground["round"].key, "lon": NEXT_DOOR[0], "lat": NEXT_DOOR[1]}
    answer = signed_in.get(reverse("feedback:contest-polygon"), question)
    assert answer.status_code == 403
    assert ground["home"].name in answer.json()["detail"]


@pytest.mark.parametrize(
    "question", [{}, {"lon": "x", "lat": "1"}, {"lon": 0, "lat": 0}, {"number": 99_999}, {"lon": "nan", "lat": "nan"}]
)
def test_a_place_without_a_polygon_is_a_clear_refusal(signed_in, ground, question):
    answer = signed_in.get(reverse("feedback:contest-polygon"), {"round": ground["round"].key, **question})
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_the_polygons_around_a_place_come_the_closest_first(signed_in, ground):
    question = {"round": ground["round"].key, "lon": HERE[0], "lat": HERE[1]}
    page = signed_in.get(reverse("feedback:contest-near"), question).content.decode()
    assert page.index("F6.1") < page.index("E1.2")


def test_a_complete_report_is_sent_once_and_its_receipt_names_it(signed_in, ground):
    data = facts(ground)
    answers = [send(signed_in, data) for _twice in range(2)]
    report = Report.objects.get()
    assert [answer.url for answer in answers] == [reverse("feedback:report-sent", args=[report.pk])] * 2
    assert report.state == ReportState.SUBMITTED
    assert report.proposed_type == ground["habitats"]["G2.1"]
    page = signed_in.get(answers[0].url).content.decode()
    assert str(report.pk) in page


def test_who_sends_a_second_report_on_the_same_ground_reads_of_the_first(signed_in, ground):
    receipts = [signed_in.get(send(signed_in, facts(ground)).url).content.decode() for _twice in range(2)]
    first = reverse("feedback:report", args=[Report.objects.earliest("pk").pk])
    assert "déjà envoyé" not in receipts[0]
    assert "déjà envoyé" in receipts[1]
    assert first in receipts[1]


def test_a_polygon_number_is_read_as_pages_write_it(signed_in, ground):
    Polygon.objects.filter(pk=ground["polygons"][0].pk).update(number=13_873)
    for written in ("13 873", "13\u202f873"):
        answer = signed_in.get(reverse("feedback:contest-polygon"), {"round": ground["round"].key, "number": written})
        assert answer.status_code == 200


def test_what_is_missing_is_said_by_its_field_and_nothing_typed_is_lost(signed_in, ground):
    answer = send(signed_in, facts(ground, error_type="", proposed_type="pelouse zzz", confidence=""))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "pelouse zzz" in page
    assert "Un bois de chênes." in page
    assert "F6.1" in page
    assert Report.objects.get().state == ReportState.DRAFT
    again = send(signed_in, facts(ground, error_type="", confidence=""))
    assert set(again.context["form"].errors) == {"error_type", "confidence"}


def test_a_draft_saves_itself_with_what_can_be_kept(signed_in, ground):
    data = facts(ground, action="autosave", proposed_type="zzz", comment="Début")
    answer = signed_in.post(reverse("feedback:contest"), data)
    report = Report.objects.get()
    assert answer.json()["report"] == report.pk
    assert set(answer.json()["not_kept"]) == {"proposed_type"}
    assert (report.comment, report.state) == ("Début", ReportState.DRAFT)
    page = signed_in.get(answer.json()["draft"]).content.decode()
    assert "Début" in page
    assert str(data["client_uuid"]) in page


def test_a_draft_of_somebody_else_cannot_be_opened_nor_written_over(signed_in, ground):
    draft = ReportFactory(draft=True, round=ground["round"])
    assert signed_in.get(reverse("feedback:contest-draft", args=[draft.pk])).status_code == 404
    data = facts(ground, action="autosave", client_uuid=str(draft.client_uuid))
    answer = signed_in.post(reverse("feedback:contest"), data)
    assert (answer.status_code, answer.json()["code"]) == (409, "uuid_taken")


def test_a_polygon_that_changed_is_shown_with_both_habitats_and_can_be_sent_as_it_is_now(signed_in, ground):
    data = facts(ground)
    polygon = ground["polygons"][0]
    Polygon.objects.filter(pk=polygon.pk).update(version=2, habitat_type=ground["polygons"][1].habitat_type)
    answer = send(signed_in, data)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert f'value="{polygon.pk}:2:E1.2"' in page
    assert "F6.1" in page
    lowered = facts(ground, polygons=[f"{polygon.pk}:2:E1.2"], client_uuid=data["client_uuid"])
    refused = send(signed_in, lowered)
    assert set(refused.context["form"].errors) == {"declares_interest"}
    assert send(signed_in, {**lowered, "declares_interest": "False"}).status_code == 302
    assert Report.objects.get().state == ReportState.SUBMITTED


def test_a_polygon_that_left_the_map_is_said(signed_in, ground):
    answer = send(signed_in, facts(ground, polygons=["999999:1:F6.1"]))
    assert answer.status_code == 409
    assert answer.context["gone"] == 1


def test_an_outline_next_door_is_refused_beside_the_place(signed_in, ground):
    outline = factories.square(1, 0, side=0.01)
    shape = json.dumps({"type": "Polygon", "coordinates": outline.coords})
    answer = send(signed_in, facts(ground, polygons=[], outline=shape, error_type="both", declares_interest="False"))
    assert answer.status_code == 403
    assert set(answer.context["form"].errors) == {"outline"}


@pytest.mark.parametrize("outline", ["x", "[]", '{"type": "Point", "coordinates": [2, 43]}', "[" * 9_000])
def test_an_outline_that_is_none_is_refused_and_the_rest_is_kept(signed_in, ground, outline):
    answer = send(signed_in, facts(ground, outline=outline))
    assert answer.status_code == 422
    assert "outline" in answer.context["form"].errors
    assert "Un bois de chênes." in answer.content.decode()


def test_without_scripts_a_polygon_is_added_by_its_number_and_taken_out(signed_in, ground):
    polygon = ground["polygons"][0]
    empty = facts(ground, polygons=[], action="find", number=str(polygon.number))
    found = send(signed_in, empty)
    assert [line.polygon for line in found.context["chosen"]] == [polygon]
    data = facts(ground)
    del data["action"]
    assert send(signed_in, {**data, "remove": str(polygon.pk)}).context["chosen"] == []
    chosen = send(signed_in, {**data, "choose": "G2.1"})
    assert "Un bois de chênes." in chosen.content.decode()
    assert not chosen.context["form"].errors


def test_without_scripts_a_place_next_door_is_refused_in_words(signed_in, ground):
    asked = facts(ground, action="find", lon=str(NEXT_DOOR[0]), lat=str(NEXT_DOOR[1]))
    answer = send(signed_in, asked)
    assert answer.status_code == 200
    assert ground["home"].name in answer.context["find_error"]


def test_a_round_that_closed_keeps_the_draft_and_says_until_when_it_may_be_sent(signed_in, ground):
    draft = ReportFactory(
        draft=True, round=RoundFactory(in_grace=True, region=ground["round"].region), author=ground["reviewer"]
    )
    page = signed_in.get(reverse("feedback:contest-draft", args=[draft.pk]))
    assert page.context["standing"].in_grace
    over = ReportFactory(
        draft=True, round=RoundFactory(over=True, region=ground["round"].region), author=ground["reviewer"]
    )
    page = signed_in.get(reverse("feedback:contest-draft", args=[over.pk]))
    assert not page.context["standing"].receives
    assert over.comment in page.content.decode()


def test_when_no_round_is_open_the_page_says_when_the_next_one_opens(client):
    home = factories.TerritoryFactory()
    RoundFactory(planned=True, territory=home, name="Tour M2")
    client.force_login(factories.MandateFactory(reviewer=True, territory=home).user)
    assert "Tour M2" in client.get(reverse("feedback:contest")).content.decode()


def test_without_a_mandate_the_page_says_whom_to_ask(client, ground):
    client.force_login(factories.UserFactory())
    page = client.get(reverse("feedback:contest"))
    assert page.context["may_contest"] is False


def test_a_visitor_is_asked_to_sign_in(client):
    assert reverse("account_login") in client.get(reverse("feedback:contest")).url


def test_a_script_in_a_comment_is_text(signed_in, ground):
    data = facts(ground, action="autosave", comment="<script>alert(1)</script>")
    answer = signed_in.post(reverse("feedback:contest"), data).json()
    assert "<script>alert" not in signed_in.get(answer["draft"]).content.decode()


def test_without_scripts_a_photograph_goes_with_the_form_and_a_spoilt_one_holds_it_back(signed_in, ground):
    spoilt = SimpleUploadedFile("lande.jpg", b"not a picture", "image/jpeg")
    answer = signed_in.post(reverse("feedback:contest"), {**facts(ground), "photo": spoilt})
    assert answer.status_code == 422
    assert "lande.jpg" in answer.context["photo_errors"][0]
    assert Report.objects.get().state == ReportState.DRAFT


def test_a_round_that_closed_before_the_first_save_gives_back_what_was_typed(signed_in, ground):
    over = RoundFactory(over=True, region=ground["region"], territory=ground["round"].territory, name="Tour fini")
    answer = send(signed_in, facts(ground, round=over.key))
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Un bois de chênes." in page
    assert "Tour fini" in page
    assert not Report.objects.exists()


def test_without_a_mandate_nobody_reads_the_working_map_through_the_form(client, ground):
    client.force_login(factories.UserFactory())
    asked = facts(ground, action="find", number=str(ground["polygons"][0].number))
    answer = send(client, asked)
    assert answer.status_code == 302
    former = ReportFactory(draft=True, round=ground["round"], author=factories.UserFactory())
    client.force_login(former.author)
    answer = send(client, {**asked, "client_uuid": str(former.client_uuid)})
    assert (answer.context["chosen"], answer.context["vintage"]) == ([], None)
    assert answer.context["find_error"]
