import threading

import pytest
from django.contrib.gis.geos import Polygon as Outline
from django.db import connection

from bioccia.errors import BiocciaError, InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import actions
from feedback.models import Decision
from feedback.queries import effect_of
from feedback.states import DecisionResult, ErrorType, MessageKind, MoveReason, ReasonCode, ReportState, SecondSignature
from habitats.models import Correction, Polygon, Sample
from habitats.states import SampleOrigin
from territories.actions import give_mandate
from territories.models import OutboxMessage
from territories.states import Role
from tests.factories import DAY, SIDE_DEGREES, SOUTH, WEST, Consultation, person_with, square

pytestmark = pytest.mark.django_db


@pytest.fixture
def there():
    return Consultation()


def propose(there, report, proposal, by=None):
    return actions.propose_decision(report=report, proposal=proposal, by=by or there.adjudicator, at=there.at)


def box(west, south, east, north):
    """A rectangle, in thousandths of a degree from the corner of the grid."""
    outline = Outline.from_bbox((WEST + west / 1000, SOUTH + south / 1000, WEST + east / 1000, SOUTH + north / 1000))
    outline.srid = 4326
    return outline


# --- propose


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("outcome", {"outcome": ReportState.INTEGRATED}),
        ("result", {"result": DecisionResult.REAL_CHANGE}),
        ("reason_code", {"reason_code": ReasonCode.OUT_OF_SCOPE}),
        ("to_type", {"to_type": None}),
        ("reply", {"reply": "  "}),
        ("correction", {"outcome": ReportState.ALREADY_FIXED, "reason_code": ReasonCode.ALREADY_CORRECTED}),
        ("seen", {"seen": ((99_999, 1),)}),
    ],
)
def test_a_proposal_that_does_not_hold_together_names_its_field(there, field, changes):
    report = there.taken()
    if field == "seen":
        assert propose(there, report, there.proposal(report, **changes)).state == ReportState.IN_REVIEW
        return
    with pytest.raises(InvalidFieldsError) as raised:
        propose(there, report, there.proposal(report, **changes))
    assert set(raised.value.fields) == {field}


def test_a_proposal_made_on_an_older_polygon_leaves_the_report_in_review_and_says_so(there):
    polygon = there.polygon()
    report = there.taken(polygon)
    Polygon.objects.filter(pk=polygon.pk).update(version=2)
    after = propose(there, report, there.proposal(report))
    assert (after.state, after.locked_by) == (ReportState.IN_REVIEW, there.adjudicator)
    assert after.moves.latest("pk").reason == MoveReason.POLYGONS_CHANGED
    assert not Decision.objects.exists()


def test_a_report_is_decided_on_its_own_ground(there):
    elsewhere = there.polygon(4, 4)
    report = there.taken()
    for changes in ({"seen": ((elsewhere.number, 1),)}, {"outline": square(4, 4, side=0.001)}):
        with pytest.raises(InvalidFieldsError):
            propose(there, report, there.proposal(report, **changes))


def test_an_acceptance_that_changes_nothing_is_refused(there):
    report = there.taken()
    with pytest.raises(InvalidFieldsError) as raised:
        propose(there, report, there.proposal(report, to_type=there.meadow))
    assert set(raised.value.fields) == {"to_type"}


def test_what_the_map_refuses_is_said_to_who_proposes_and_leaves_nothing(there):
    polygon = there.polygon(side=0.01)
    report = there.taken(polygon)
    speck = box(2, 2, 2.15, 2.15)  # a cell or two: under the minimum unit
    with pytest.raises(InvalidFieldsError) as raised:
        propose(there, report, there.proposal(report, outline=speck))
    assert set(raised.value.fields) == {"outline"}
    assert not Decision.objects.exists()
    assert not Correction.objects.exists()
    propose(there, report, there.proposal(report))
    polygon.refresh_from_db()
    assert (polygon.habitat_type, polygon.version) == (there.meadow, 1)
    assert not Correction.objects.exists()


def second_signature(there, report, proposal):
    propose(there, report, proposal)
    return set(Decision.objects.latest("pk").second_signature)


def test_one_signature_is_enough_for_a_small_change_between_low_stakes(there):
    report = there.taken()
    assert second_signature(there, report, there.proposal(report)) == set()
    signed = actions.sign_decision(report=report, by=there.adjudicator, at=there.at)
    assert signed.state == ReportState.ACCEPTED


@pytest.mark.parametrize("present", [True, False])
def test_a_high_stake_present_or_proposed_needs_two(there, present):
    polygon = there.polygon(habitat=there.mire if present else there.meadow)
    proposed = there.heath if present else there.mire
    report = there.taken(polygon, proposed_type=proposed, declares_interest=False)
    expected = {SecondSignature.STAKE} | ({SecondSignature.LOWERED_STAKE} if present else set())
    assert second_signature(there, report, there.proposal(report)) == expected


def test_a_large_area_needs_two(there):
    report = there.taken(there.polygon(side=SIDE_DEGREES / 4))
    assert second_signature(there, report, there.proposal(report)) == {SecondSignature.AREA}


def test_a_stake_that_is_lowered_below_high_needs_two(there):
    medium = there.habitat("G1", "moyen")
    report = there.taken(there.polygon(habitat=medium), declares_interest=True)
    assert second_signature(there, report, there.proposal(report)) == {SecondSignature.LOWERED_STAKE}


def test_two_reviewers_who_disagree_need_two(there):
    polygon = there.polygon()
    wood = there.habitat("G5", "faible")
    there.sent(polygon, by=there.another_reviewer(), proposed_type=wood)
    report = there.taken(polygon)
    assert second_signature(there, report, there.proposal(report)) == {SecondSignature.DISAGREEMENT}


def test_a_disagreement_that_comes_after_the_proposal_needs_another_signer(there):
    polygon = there.polygon()
    report = there.taken(polygon)
    assert second_signature(there, report, there.proposal(report)) == set()
    there.sent(polygon, by=there.another_reviewer(), proposed_type=there.habitat("G5", "faible"))
    with pytest.raises(NotAllowedError, match=str(SecondSignature.DISAGREEMENT.label)):
        actions.sign_decision(report=report, by=there.adjudicator, at=there.at)
    signed = actions.sign_decision(report=report, by=there.second, at=there.at)
    assert signed.state == ReportState.ACCEPTED


def test_the_same_reviewer_twice_is_no_disagreement_nor_are_two_who_agree(there):
    polygon = there.polygon()
    there.sent(polygon, proposed_type=there.habitat("G5", "faible"))
    there.sent(polygon, by=there.another_reviewer())
    report = there.taken(polygon)
    assert second_signature(there, report, there.proposal(report)) == set()


def test_a_refusal_on_a_high_stake_needs_two(there):
    report = there.taken(there.polygon(habitat=there.mire), declares_interest=False)
    assert SecondSignature.STAKE in second_signature(there, report, there.refusal())


# --- sign: one transaction


def test_an_accepted_report_is_a_correction_a_sample_a_reply_and_a_log(there):
    polygon = there.polygon()
    report = there.accepted(polygon)
    polygon.refresh_from_db()
    assert (polygon.habitat_type, polygon.version) == (there.heath, 2)
    decision = report.decisions.get()
    assert (decision.signed_by, decision.signed_at) == (there.second, there.at)
    assert decision.correction.source == f"report:{report.client_uuid}"
    assert decision.sample == Sample.objects.get(origin=SampleOrigin.REPORT, habitat_type=there.heath)
    assert (report.state, report.closed_at, report.locked_by) == (ReportState.ACCEPTED, there.at, None)
    assert report.messages.get().kind == MessageKind.REPLY
    assert decision.reply in OutboxMessage.objects.filter(recipient=there.reviewer.email).latest("pk").body


def test_a_drawn_outline_cuts_its_neighbour(there):
    there.polygon(side=0.01)
    outline = box(2, 2, 4, 4)
    report = there.taken(outline=outline, error_type=ErrorType.BOTH)
    proposal = there.proposal(report, outline=outline)
    propose(there, report, proposal)
    actions.sign_decision(report=report, by=there.second, at=there.at)
    codes = set(there.vintage.polygons.values_list("habitat_type__code", flat=True))
    assert codes == {"E2", "F3"}
    effect = effect_of(report)
    assert effect.hectares == pytest.approx(3.57, rel=0.05)
    assert [(change.from_type, change.to_type) for change in effect.changes] == [(there.meadow, there.heath)]


def test_a_version_that_changed_before_the_signature_sends_the_report_back_to_its_proposer(there):
    polygon = there.polygon()
    report = there.proposed(polygon)
    Polygon.objects.filter(pk=polygon.pk).update(version=7)
    back = actions.sign_decision(report=report, by=there.second, at=there.at)
    assert (back.state, back.locked_by) == (ReportState.IN_REVIEW, there.adjudicator)
    assert back.moves.latest("pk").reason == MoveReason.POLYGONS_CHANGED
    assert not Correction.objects.exists()
    assert Decision.objects.get().sent_back_at == there.at
    assert not OutboxMessage.objects.filter(subject__contains=str(there.heath)).exists()


def test_a_signature_that_fails_leaves_nothing_behind(there, monkeypatch):
    report = there.proposed()
    monkeypatch.setattr(
        "feedback.actions.decisions.habitat_actions.store_report_sample",
        lambda **_facts: (_ for _ in ()).throw(StateForbidsError("no")),
    )
    before = OutboxMessage.objects.count()
    with pytest.raises(StateForbidsError):
        actions.sign_decision(report=report, by=there.second, at=there.at)
    report.refresh_from_db()
    assert report.state == ReportState.DECISION_PROPOSED
    assert not Correction.objects.exists()
    assert OutboxMessage.objects.count() == before


def test_a_signer_who_does_not_agree_sends_it_back_with_a_reason(there):
    report = there.proposed()
    with pytest.raises(InvalidFieldsError):
        actions.sign_decision(report=report, by=there.second, at=there.at, agrees=False)
    back = actions.sign_decision(report=report, by=there.second, at=there.at, agrees=False, reason="Revoir la photo.")
    assert (back.state, back.locked_by) == (ReportState.IN_REVIEW, there.adjudicator)
    assert back.moves.latest("pk").reason == "Revoir la photo."
    assert not back.messages.exists()  # the desk's own words are not for the author
    again = propose(there, back, there.proposal(back))
    assert actions.sign_decision(report=again, by=there.second, at=there.at).state == ReportState.ACCEPTED


def test_the_proposer_does_not_sign_what_needs_two(there):
    report = there.proposed(there.polygon(habitat=there.mire), declares_interest=False)
    with pytest.raises(NotAllowedError) as raised:
        actions.sign_decision(report=report, by=there.adjudicator, at=there.at)
    assert str(SecondSignature.STAKE.label) in str(raised.value.detail)
    assert actions.sign_decision(report=report, by=there.second, at=there.at).state == ReportState.ACCEPTED


def test_the_author_signs_nothing_even_as_an_adjudicator(there):
    report = there.proposed()
    give_mandate(
        user=there.reviewer,
        role=Role.ADJUDICATOR,
        territory=there.inside,
        period=(there.at.date(), None),
        on=there.at.date(),
    )
    with pytest.raises(NotAllowedError):
        actions.sign_decision(report=report, by=there.reviewer, at=there.at)


def test_a_place_already_fixed_names_the_correction_and_teaches_nothing(there):
    polygon = there.polygon()
    later = there.sent(polygon, by=there.another_reviewer(), comment="Aussi.")
    correction = there.accepted(polygon).decisions.get().correction
    taken = actions.take_report(report=later, by=there.adjudicator, at=there.at)
    facts = {"outcome": ReportState.ALREADY_FIXED, "reason_code": ReasonCode.ALREADY_CORRECTED, "seen": ()}
    propose(there, taken, there.proposal(taken, correction=correction, **facts))
    fixed = actions.sign_decision(report=taken, by=there.second, at=there.at)
    assert fixed.state == ReportState.ALREADY_FIXED
    effect = effect_of(fixed)
    assert (effect.correction, effect.hectares, effect.taught) == (correction, 0.0, False)
    assert Sample.objects.count() == 1


def test_a_correction_elsewhere_fixes_nothing_here(there):
    correction = there.accepted(there.polygon(5, 5)).decisions.get().correction
    taken = there.taken()
    facts = {"outcome": ReportState.ALREADY_FIXED, "reason_code": ReasonCode.ALREADY_CORRECTED}
    with pytest.raises(InvalidFieldsError):
        propose(there, taken, there.proposal(taken, correction=correction, **facts))


def test_a_refusal_changes_no_map_and_says_how_to_appeal(there):
    polygon = there.polygon()
    report = there.rejected(polygon)
    polygon.refresh_from_db()
    assert (report.state, polygon.version) == (ReportState.REJECTED_SPEC, 1)
    assert not Correction.objects.exists()
    last = OutboxMessage.objects.filter(recipient=there.reviewer.email).latest("pk")
    assert str((there.at + 60 * DAY).year) in last.body
    assert effect_of(report).correction is None


def test_an_appeal_is_decided_by_two_of_the_panel(there):
    report = actions.take_report(report=there.appealed(), by=there.panel, at=there.at)
    propose(there, report, there.proposal(report), by=there.panel)
    assert Decision.objects.latest("pk").second_signature == [SecondSignature.APPEAL]
    for stranger in (there.second, there.panel):
        with pytest.raises(NotAllowedError):
            actions.sign_decision(report=report, by=stranger, at=there.at)
    signed = actions.sign_decision(report=report, by=there.panel_second, at=there.at)
    assert signed.state == ReportState.ACCEPTED


def test_a_panel_that_refuses_ends_it(there):
    report = actions.take_report(report=there.appealed(), by=there.panel, at=there.at)
    propose(there, report, there.refusal(), by=there.panel)
    refused = actions.sign_decision(report=report, by=there.panel_second, at=there.at)
    with pytest.raises(StateForbidsError):
        actions.appeal_report(report=refused, by=there.reviewer, new_evidence="Encore.", at=there.at)


def test_the_second_to_sign_reads_that_it_is_done(there):
    report = there.accepted()
    with pytest.raises(StateForbidsError) as raised:
        actions.sign_decision(report=report, by=person_with(Role.ADJUDICATOR), at=there.at)
    assert str(ReportState.ACCEPTED.label) in str(raised.value.detail)
    assert Correction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_sign_at_once_one_signs_and_the_other_reads_why():
    there = Consultation()
    report = there.proposed()
    third = person_with(Role.ADJUDICATOR, there.inside)
    answers = []

    def sign(person):
        try:
            answers.append(actions.sign_decision(report=report, by=person, at=there.at).state)
        except BiocciaError as error:
            answers.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=sign, args=[person]) for person in (there.second, third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["accepted", "state_forbids"]
    assert Correction.objects.count() == Sample.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_at_once_one_holds():
    there = Consultation()
    report = there.sent()
    answers = []

    def take(person):
        try:
            answers.append(actions.take_report(report=report, by=person, at=there.at).state)
        except BiocciaError as error:
            answers.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=[person]) for person in (there.second, there.adjudicator)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["in_review", "locked"]


# --- the second signature is not talked away


def reasons_of(report):
    return report.decisions.get().second_signature


def test_a_refusal_that_names_other_polygons_still_counts_the_stake_of_the_report(there):
    elsewhere = there.polygon(4, 4)
    report = there.taken(there.polygon(habitat=there.mire), declares_interest=False)
    propose(there, report, there.refusal(seen=((elsewhere.number, 1),), outline=square(4, 4, side=0.001)))
    assert reasons_of(report) == [SecondSignature.STAKE]


def test_a_high_stake_that_the_author_proposed_counts_whatever_is_decided(there):
    report = there.taken(proposed_type=there.mire)
    propose(there, report, there.proposal(report, to_type=there.heath))
    assert SecondSignature.STAKE in reasons_of(report)


def test_a_report_that_was_joined_still_disagrees(there):
    polygon = there.polygon()
    other = there.sent(polygon, by=there.another_reviewer(), proposed_type=there.habitat("G5", "faible"))
    report = there.taken(polygon)
    actions.merge_report(report=other, master=report, by=there.adjudicator, at=there.at)
    propose(there, report, there.proposal(report))
    assert reasons_of(report) == [SecondSignature.DISAGREEMENT]


def test_what_changes_under_an_outline_sends_its_decision_back_whoever_named_it(there):
    polygon = there.polygon()
    outline = square(0, 0, side=0.001)
    report = there.taken(polygon, outline=outline)
    propose(there, report, there.proposal(report, outline=outline, seen=()))
    Polygon.objects.filter(pk=polygon.pk).update(version=2)
    signed = actions.sign_decision(report=report, by=there.second, at=there.at)
    assert signed.state == ReportState.IN_REVIEW
    assert not Correction.objects.exists()


def test_nobody_s_report_is_joined_to_the_one_they_proposed_to_decide(there):
    polygon = there.polygon()
    today = there.at.date()
    give_mandate(user=there.adjudicator, role=Role.REVIEWER, territory=there.inside, period=(today, None), on=today)
    decided = there.proposed(polygon)
    own = there.sent(polygon, by=there.adjudicator)
    with pytest.raises(StateForbidsError):
        actions.merge_report(report=own, master=decided, by=there.second, at=there.at)
    actions.sign_decision(report=decided, by=there.second, agrees=False, reason="À revoir.", at=there.at)
    merged = actions.merge_report(report=own, master=decided, by=there.second, at=there.at)
    assert merged.state == ReportState.MERGED


def test_what_corrected_the_place_must_still_stand_when_it_is_signed(there):
    polygon = there.polygon()
    first = there.accepted(polygon)
    polygon.refresh_from_db()
    report = there.taken(polygon, proposed_type=there.meadow)
    already = {"outcome": ReportState.ALREADY_FIXED, "reason_code": ReasonCode.ALREADY_CORRECTED, "to_type": None}
    proposed = propose(there, report, there.proposal(report, correction=Correction.objects.get(), **already))
    assert proposed.state == ReportState.DECISION_PROPOSED
    actions.revert_report(report=first, by=there.administrator, reason="Autre lieu.", at=there.at)
    signed = actions.sign_decision(report=report, by=there.second, at=there.at)
    assert (signed.state, signed.moves.latest("pk").reason) == (ReportState.IN_REVIEW, MoveReason.POLYGONS_CHANGED)
