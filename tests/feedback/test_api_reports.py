import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.models import Report
from feedback.states import ReportState
from territories.states import Role
from tests import factories
from tests.feedback.api_ground import REPORTS, Program, make_ground

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


@pytest.fixture
def ground():
    return make_ground()


@pytest.fixture
def reviewer(ground):
    return Program(ground.reviewer)


def problem(answer):
    assert answer["Content-Type"] == PROBLEM, answer.content
    found = answer.json()
    assert found["detail"]
    assert found["status"] == answer.status_code
    return answer.status_code, found["code"], sorted(found.get("fields", {}))


def sent(program, body):
    answer = program.post(REPORTS, body)
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def test_a_report_is_created_and_shown_as_a_feature(ground, reviewer):
    answer = reviewer.post(REPORTS, ground.body())
    assert answer.status_code == 201, answer.content
    feature = answer.json()
    facts = feature["properties"]
    assert (feature["type"], feature["geometry"]["type"]) == ("Feature", "Polygon")
    assert (facts["state"], facts["ec"], facts["round"]) == ("submitted", "submit", ground.round.key)
    assert facts["proposed"]["habitat"]["code"] == "E1"
    assert facts["polygons"][0] | {"number": 1, "version": 1} == facts["polygons"][0]
    assert facts["polygons"][0]["habitat"]["code"] == "G1"
    assert [move["move"] for move in facts["moves"]] == ["submit"]
    assert facts["commune"] == f"commune:{ground.here.code}"
    assert (facts["decision"], facts["proposal"]) == (None, None)


def test_the_round_may_be_named_by_its_id(ground, reviewer):
    assert reviewer.post(REPORTS, ground.body(round=ground.round.pk)).status_code == 201


def test_a_drawn_outline_is_a_place(ground, reviewer):
    ring = [[2.3001, 43.6001], [2.3009, 43.6001], [2.3009, 43.6009], [2.3001, 43.6001]]
    outline = {"type": "Polygon", "coordinates": [ring]}
    answer = reviewer.post(REPORTS, ground.body(polygons=[], geometry=outline, error_type="both"))
    assert answer.status_code == 201, answer.content
    assert answer.json()["properties"]["is_drawn"]


def test_the_same_identifier_and_body_again_is_the_same_report(ground, reviewer):
    body = ground.body()
    first, second = reviewer.post(REPORTS, body), reviewer.post(REPORTS, body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Report.objects.count() == 1


def test_another_body_under_the_same_identifier_conflicts(ground, reviewer):
    body = ground.body()
    sent(reviewer, body)
    assert problem(reviewer.post(REPORTS, {**body, "comment": "autre"}))[:2] == (409, "uuid_taken")
    assert Report.objects.get().comment == body["comment"]


@pytest.mark.parametrize("draft", [False, True])
def test_the_identifier_of_somebody_else_tells_nothing(ground, reviewer, draft):
    body = ground.body(draft=draft)
    sent(reviewer, body)
    other = Program(factories.person_with(Role.REVIEWER, ground.here))
    for again in (body, {**body, "draft": not draft}, {**body, "comment": "autre"}):
        answer = other.post(REPORTS, again)
        assert problem(answer)[:2] == (409, "uuid_taken")
        assert ground.reviewer.full_name not in answer.content.decode()
    assert Report.objects.count() == 1


def test_a_visitor_has_no_report_to_read_nor_to_send(ground):
    visitor = Program()
    for answer in (visitor.get(REPORTS), visitor.get(f"{REPORTS}1/"), visitor.post(REPORTS, ground.body())):
        assert problem(answer)[0] == 401
        assert answer["WWW-Authenticate"] == "Token"


def test_outside_the_mandate_is_forbidden(ground, reviewer):
    polygon = ground.polygons[1]
    answer = reviewer.post(REPORTS, ground.body(polygons=[{"id": polygon.pk, "version": 1}]))
    assert problem(answer)[:2] == (403, "not_allowed")
    without = Program(factories.person_with(Role.PLANNER))
    assert problem(without.post(REPORTS, ground.body()))[0] == 403
    assert not Report.objects.filter(submitted_at__isnull=False).exists()


def test_a_version_that_is_gone_conflicts_and_says_what_changed(ground, reviewer):
    polygon = ground.polygons[0]
    polygon.version = 2
    polygon.save()
    answer = reviewer.post(REPORTS, ground.body(polygons=[{"id": polygon.pk, "version": 1}]))
    assert problem(answer)[:2] == (409, "polygons_changed")
    assert answer.json()["changed"][0]["version"] == 2


def test_a_round_that_does_not_receive_conflicts_and_keeps_the_draft(ground, reviewer):
    body = ground.body(draft=True)
    number = sent(reviewer, body)
    closed = factories.RoundFactory(over=True, territory=ground.round.territory)
    Report.objects.update(round=closed)
    assert problem(reviewer.move(number, "submit"))[:2] == (409, "round_forbids")
    assert reviewer.get(f"{REPORTS}{number}/").json()["properties"]["state"] == "draft"


BOW_TIE = [[[2.300, 43.600], [2.301, 43.601], [2.301, 43.600], [2.300, 43.601], [2.300, 43.600]]]
WRONG = {
    "no identifier": ({"client_uuid": None}, "client_uuid"),
    "an identifier that is none": ({"client_uuid": "x"}, "client_uuid"),
    "no round": ({"round": None}, "round"),
    "an unknown round": ({"round": "nowhere"}, "round"),
    "a round that is a list": ({"round": [1]}, "round"),
    "an endless round": ({"round": "1" * 60}, "round"),
    "another axis": ({"proposed": {"use": {"typology": "OCSGE", "code": "US1"}}}, "proposed"),
    "a bare code": ({"proposed": {"habitat": "E1"}}, "proposed"),
    "an unknown habitat": ({"proposed": {"habitat": {"typology": "EUNIS2012", "code": "Z9"}}}, "proposed"),
    "no proposal": ({"proposed": None}, "proposed"),
    "the habitat of the map": ({"proposed": {"habitat": {"typology": "EUNIS2012", "code": "G1"}}}, "proposed"),
    "no place": ({"polygons": []}, "polygons"),
    "polygons that are numbers": ({"polygons": [1]}, "polygons"),
    "a negative version": ({"polygons": [{"id": 1, "version": -1}]}, "polygons"),
    "an endless id": ({"polygons": [{"id": 10**30, "version": 1}]}, "polygons"),
    "two thousand polygons": ({"polygons": [{"id": 1, "version": 1}] * 2000}, "polygons"),
    "confidence out of its range": ({"confidence": 4}, "confidence"),
    "confidence in words": ({"confidence": "high"}, "confidence"),
    "evidence of another kind": ({"evidence_type": "rumour"}, "evidence_type"),
    "an error of another kind": ({"error_type": "all"}, "error_type"),
    "a day to come": ({"observed_on": "2999-01-01"}, "observed_on"),
    "no day": ({"observed_on": "yesterday"}, "observed_on"),
    "a point": ({"polygons": [], "geometry": {"type": "Point", "coordinates": [2.3, 43.6]}}, "geometry"),
    "an empty outline": ({"polygons": [], "geometry": {"type": "Polygon", "coordinates": []}}, "geometry"),
    "coordinates of another kind": ({"geometry": {"type": "Polygon", "coordinates": {"a": 1}}}, "geometry"),
    "coordinates that are words": ({"geometry": {"type": "Polygon", "coordinates": [[["a", "b"]] * 4]}}, "geometry"),
    "metres": ({"geometry": {"type": "Polygon", "coordinates": [[[600000, 6300000]] * 4]}}, "geometry"),
    "a ring that is open": (
        {"geometry": {"type": "Polygon", "coordinates": [[[2.30, 43.6], [2.31, 43.6], [2.31, 43.61], [2.3, 43.61]]]}},
        "geometry",
    ),
    "an outline that crosses itself": ({"geometry": {"type": "Polygon", "coordinates": BOW_TIE}}, "geometry"),
    "a null character": ({"comment": "a\0b"}, "comment"),
    "a comment without end": ({"comment": "a" * 100_000}, "comment"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_named(ground, reviewer, name):
    changed, field = WRONG[name]
    status, code, fields = problem(reviewer.post(REPORTS, ground.body(**changed)))
    assert (status, code) == (422, "invalid")
    assert field in fields
    assert not Report.objects.filter(submitted_at__isnull=False).exists()


def test_the_unknown_axis_is_named_in_the_sentence(ground, reviewer):
    answer = reviewer.post(REPORTS, ground.body(proposed={"use": {"typology": "OCSGE", "code": "US1"}}))
    assert "use" in answer.json()["detail"]


def test_an_outline_of_a_hundred_thousand_vertices_is_refused(ground, reviewer):
    ring = [[2.3 + step / 1e8, 43.6] for step in range(100_000)]
    outline = {"type": "Polygon", "coordinates": [[*ring, [2.301, 43.601], ring[0]]]}
    assert problem(reviewer.post(REPORTS, ground.body(polygons=[], geometry=outline))) == (422, "invalid", ["geometry"])


def test_a_draft_is_kept_kept_again_and_sent(ground, reviewer):
    body = ground.body(draft=True, comment="", proposed=None)
    assert reviewer.post(REPORTS, body).status_code == 201
    again = reviewer.post(REPORTS, {**ground.body(), "client_uuid": body["client_uuid"], "draft": True})
    assert again.status_code == 200
    facts = again.json()["properties"]
    assert (facts["state"], facts["ec"], facts["comment"]) == ("draft", "", "Pelouse rase, jamais boisée.")
    assert reviewer.move(again.json()["id"], "submit").json()["properties"]["state"] == "submitted"


def test_a_draft_is_its_authors_alone(ground, reviewer):
    number = sent(reviewer, ground.body(draft=True))
    for person in (ground.adjudicator, ground.administrator, factories.person_with(Role.REVIEWER, ground.here)):
        other = Program(person)
        assert other.get(f"{REPORTS}{number}/").status_code == 404
        assert other.get(REPORTS).json()["count"] == 0
        assert other.move(number, "take").status_code == 404
    assert reviewer.get(REPORTS).json()["count"] == 1


def test_a_report_of_another_place_is_not_yours_to_know(ground, reviewer):
    number = sent(reviewer, ground.body())
    neighbour = Program(factories.person_with(Role.ADJUDICATOR, ground.next_door))
    assert problem(neighbour.get(f"{REPORTS}{number}/"))[0] == 404
    assert problem(neighbour.move(number, "take"))[0] == 404
    assert neighbour.get(REPORTS).json()["features"] == []
    colleague = Program(factories.person_with(Role.REVIEWER, ground.here))
    assert colleague.get(f"{REPORTS}{number}/").status_code == 404


def test_no_answer_holds_an_address(ground, reviewer):
    ground.reviewer.full_name = ""
    ground.reviewer.save()
    number = sent(reviewer, ground.body())
    desk = Program(ground.adjudicator)
    desk.move(number, "take")
    desk.move(number, "ask", question="Où ?")
    answers = [desk.get(REPORTS), desk.get(f"{REPORTS}{number}/"), reviewer.get(f"{REPORTS}{number}/")]
    assert not [answer for answer in answers if "@" in answer.content.decode()]


def test_a_list_is_filtered_by_place_round_and_state(ground, reviewer):
    number = sent(reviewer, ground.body())
    elsewhere = factories.ReportFactory(geometry=factories.square(8, 8), state=ReportState.EXPIRED)
    desk = Program(ground.administrator)

    def found(**query):
        answer = desk.get(REPORTS, **query)
        assert answer.status_code == 200, answer.content
        return {feature["id"] for feature in answer.json()["features"]}

    assert found() == {number, elsewhere.pk}
    assert found(bbox="2.29,43.59,2.31,43.61") == {number}
    assert found(territory=f"commune:{ground.here.code}") == {number}
    assert found(round=ground.round.key) == {number}
    assert found(state="expired") == {elsewhere.pk}
    assert found(state=["expired", "submitted"]) == {number, elsewhere.pk}
    assert found(mine="true") == set()
    assert found(limit=1, offset=1) == {number}
    assert desk.get(REPORTS, geometry="none").json()["features"][0]["geometry"] is None
    assert problem(desk.get(REPORTS, state="lost"))[0] == 422
    assert problem(desk.get(REPORTS, bbox="1,2,3"))[0] == 422


def test_a_list_asks_as_often_for_one_as_for_many(ground, reviewer):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert reviewer.get(REPORTS).status_code == 200
        return len(queries)

    sent(reviewer, ground.body())
    once = asked()
    for _more in range(3):
        report = factories.ReportFactory(author=ground.reviewer, commune=ground.here)
        factories.ReportPolygonFactory(report=report, polygon=ground.polygons[0])
    assert asked() == once


def test_a_report_is_taken_asked_answered_proposed_and_signed(ground, reviewer):
    number = sent(reviewer, ground.body())
    desk = Program(ground.adjudicator)
    assert desk.move(number, "take").json()["properties"]["state"] == "in_review"
    assert desk.move(number, "ask", question="Quel côté ?").json()["properties"]["ec"] == "pending0"
    assert problem(reviewer.move(number, "submit"))[2] == ["answer"]
    assert reviewer.move(number, "submit", answer="Au nord.").json()["properties"]["state"] == "submitted"
    desk.move(number, "take")
    proposed = desk.move(number, "propose", **ground.decision())
    assert proposed.status_code == 200, proposed.content
    assert proposed.json()["properties"]["proposal"]["outcome"] == "accepted"
    assert reviewer.get(f"{REPORTS}{number}/").json()["properties"]["proposal"] is None
    signed = desk.move(number, "sign")
    assert signed.status_code == 200, signed.content
    facts = reviewer.get(f"{REPORTS}{number}/").json()["properties"]
    assert (facts["state"], facts["ec"], facts["decision"]["reply"]) == ("accepted", "valid", "Vous avez raison.")
    assert [message["kind"] for message in facts["messages"]][:2] == ["question", "answer"]
    assert not [message for message in facts["messages"] if "@" in message["author"]]
    ground.polygons[0].refresh_from_db()
    assert ground.polygons[0].habitat_type.code == "E1"
    undone = Program(ground.administrator).move(number, "revert", reason="Autre lieu.")
    assert undone.json()["properties"]["state"] == "reverted", undone.content


def test_a_refusal_is_appealed_once(ground, reviewer):
    number = sent(reviewer, ground.body())
    desk = Program(ground.adjudicator)
    desk.move(number, "take")
    refusal = {"outcome": "rejected_spec", "result": "misunderstanding", "reason_code": "within_specification"}
    assert desk.move(number, "propose", **refusal, reply="La carte suit sa spécification.").status_code == 200
    desk.move(number, "sign")
    appealed = reviewer.move(number, "appeal", new_evidence="Relevé de 2024.")
    assert appealed.json()["properties"]["state"] == "appealed", appealed.content
    assert problem(desk.move(number, "take"))[0] == 403
    assert Program(ground.panel).move(number, "take").json()["properties"]["state"] == "in_review"
    assert problem(reviewer.move(number, "appeal", new_evidence="Encore."))[0] == 409


def test_a_report_joins_another(ground, reviewer):
    first, second = sent(reviewer, ground.body()), sent(reviewer, ground.body(comment="La même."))
    desk = Program(ground.adjudicator)
    merged = desk.move(second, "merge", master=first)
    assert (merged.status_code, merged.json()["properties"]["master"]) == (200, first)
    assert problem(desk.move(first, "merge", master=999_999)) == (422, "invalid", ["master"])


def test_a_report_is_sent_to_the_field_and_another_withdrawn(ground, reviewer):
    first, second = sent(reviewer, ground.body()), sent(reviewer, ground.body())
    desk = Program(ground.adjudicator)
    desk.move(first, "take")
    assert desk.move(first, "send_to_field").json()["properties"]["state"] == "awaiting_field"
    assert reviewer.move(second, "withdraw").json()["properties"]["ec"] == "reject0"


@pytest.mark.parametrize("move", ["expire", "integrate"])
def test_the_clocks_and_the_publications_moves_are_nobodys(ground, reviewer, move):
    number = sent(reviewer, ground.body())
    for person in (ground.reviewer, ground.adjudicator, ground.administrator):
        assert problem(Program(person).move(number, move))[0] == 403
    assert problem(Program().move(number, move))[0] == 401


def test_a_move_out_of_its_state_conflicts(ground, reviewer):
    number = sent(reviewer, ground.body())
    desk = Program(ground.adjudicator)
    for move, body in (("ask", {"question": "?"}), ("sign", {}), ("propose", ground.decision()), ("send_to_field", {})):
        assert problem(desk.move(number, move, **body))[0] == 409, move
    assert problem(reviewer.move(number, "appeal", new_evidence="x"))[0] == 409


def test_the_author_makes_no_move_of_the_desk(ground, reviewer):
    number = sent(reviewer, ground.body())
    for move, body in (("take", {}), ("merge", {"master": number}), ("revert", {"reason": "x"})):
        assert problem(reviewer.move(number, move, **body))[0] in (403, 409, 422), move
    assert Report.objects.get(pk=number).state == ReportState.SUBMITTED


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"outcome": "maybe"}, "outcome"),
        ({"result": "real_change"}, "result"),
        ({"reason_code": "unreadable"}, "reason_code"),
        ({"reply": ""}, "reply"),
        ({"habitat": None}, "habitat"),
        ({"correction": 12}, "correction"),
        ({"outcome": "already_fixed", "reason_code": "already_corrected"}, "correction"),
    ],
)
def test_a_wrong_field_of_a_proposal_is_named_as_it_was_sent(ground, reviewer, changed, field):
    number = sent(reviewer, ground.body())
    desk = Program(ground.adjudicator)
    desk.move(number, "take")
    status, _code, fields = problem(desk.move(number, "propose", **ground.decision(**changed)))
    assert status == 422
    assert field in fields


def test_two_adjudicators_do_not_hold_one_report(ground, reviewer):
    number = sent(reviewer, ground.body())
    assert Program(ground.adjudicator).move(number, "take").status_code == 200
    answer = Program(ground.second).move(number, "take")
    assert answer.status_code == 409
    assert problem(Program(ground.second).move(number, "propose", **ground.decision()))[0] == 409


def test_a_script_in_a_comment_is_text(ground, reviewer):
    comment = "<script>alert(1)</script>"
    number = sent(reviewer, ground.body(comment=comment))
    answer = reviewer.get(f"{REPORTS}{number}/")
    assert answer.json()["properties"]["comment"] == comment
    assert "html" not in answer["Content-Type"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_what_is_not_there_is_not_found(reviewer):
    for number in (0, 999_999, 10**18, 10**30):
        assert problem(reviewer.get(f"{REPORTS}{number}/"))[0] == 404
        assert problem(reviewer.move(number, "take"))[0] == 404


def test_a_client_makes_its_identifiers(ground, reviewer):
    number = sent(reviewer, ground.body(client_uuid=str(uuid.UUID(int=1))))
    assert reviewer.get(f"{REPORTS}{number}/").json()["properties"]["client_uuid"] == str(uuid.UUID(int=1))


FAR = 10**400  # JSON has no largest number


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"geometry": {"type": "Polygon", "coordinates": [[[FAR, 1], [3, 1], [3, 2], [FAR, 1]]]}}, (422, "invalid")),
        (
            {"geometry": {"type": "Polygon", "coordinates": [[[0, -90], [3, -90], [3, -89], [0, -90]]]}},
            (422, "invalid"),
        ),
        ({"proposed": {"\ud800": 1}}, (400, "parse_error")),
        ({"error_type": "\udfff"}, (400, "parse_error")),
    ],
)
@pytest.mark.parametrize("draft", [True, False])
def test_numbers_places_and_letters_that_are_none_are_answered(ground, reviewer, changes, expected, draft):
    answer = reviewer.post(REPORTS, ground.body(polygons=[], draft=draft, **changes))
    assert problem(answer)[:2] == expected


def test_a_body_of_thousands_of_fields_is_a_problem_too(ground, reviewer):
    report = sent(reviewer, ground.body())
    fields = {f"field-{number}": "x" for number in range(1500)}
    answer = reviewer.client.post(f"{REPORTS}{report}/attachments/", fields, headers=reviewer.headers)
    assert problem(answer)[:2] == (400, "bad_request")


def test_the_author_reads_by_the_api_what_their_page_says_of_the_desk(ground, reviewer):
    report = sent(reviewer, ground.body())
    desk, second = Program(ground.adjudicator), Program(ground.second)
    desk.move(report, "take")
    desk.move(report, "ask", question="Quand ?")
    reviewer.move(report, "submit", answer="En mai.")
    desk.move(report, "take")
    desk.move(report, "propose", **ground.decision())
    second.move(report, "sign", agrees=False, reason="À revoir.")
    read = {who: who.get(f"{REPORTS}{report}/").json()["properties"] for who in (reviewer, desk)}
    theirs, own = ground.adjudicator.full_name, ground.reviewer.full_name
    assert {move["by"] for move in read[reviewer]["moves"]} == {own, ""}
    assert [message["author"] for message in read[reviewer]["messages"]] == ["", own]
    assert [move["move"] for move in read[reviewer]["moves"]] == ["submit", "take", "ask", "submit", "take"]
    assert [move["move"] for move in read[desk]["moves"]][-2:] == ["propose", "sign"]
    assert [message["author"] for message in read[desk]["messages"]] == [theirs, own]
