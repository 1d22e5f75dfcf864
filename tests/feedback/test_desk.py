import datetime

import pytest

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import actions, tasks
from feedback.errors import LockedError
from feedback.models import Report, ReportMove
from feedback.states import MessageKind, MoveReason, ReportState
from territories.models import OutboxMessage
from tests.factories import DAY, MINUTE, Consultation, PolygonFactory, VintageFactory, square

pytestmark = pytest.mark.django_db


@pytest.fixture
def there():
    return Consultation()


def test_who_takes_a_report_holds_it_for_a_while(there, settings):
    report = there.taken()
    assert (report.state, report.locked_by) == (ReportState.IN_REVIEW, there.adjudicator)
    assert report.locked_until == there.at + settings.REPORT_LOCK_MINUTES * MINUTE


def test_a_second_adjudicator_reads_who_holds_it_and_until_when(there):
    report = there.taken()
    with pytest.raises(LockedError) as raised:
        actions.take_report(report=report, by=there.second, at=there.at + MINUTE)
    assert (raised.value.code, raised.value.status) == ("locked", 409)
    assert there.adjudicator.full_name in str(raised.value.detail)
    assert "30" in str(raised.value.detail)


def test_a_lock_that_ran_out_is_free_and_the_takeover_is_logged(there, settings):
    report = there.taken()
    late = there.at + (settings.REPORT_LOCK_MINUTES + 1) * MINUTE
    taken = actions.take_report(report=report, by=there.second, at=late)
    assert (taken.state, taken.locked_by) == (ReportState.IN_REVIEW, there.second)
    move = ReportMove.objects.latest("pk")
    assert (move.move, move.by, move.reason) == ("take_over", there.second, MoveReason.LOCK_RAN_OUT)
    with pytest.raises(LockedError):
        actions.let_go(report=report, by=there.adjudicator, at=late)


def test_a_lock_that_ran_out_still_holds_while_nobody_else_wants_it(there, settings):
    report = there.taken()
    late = there.at + (settings.REPORT_LOCK_MINUTES + 1) * MINUTE
    renewed = actions.renew_lock(report=report, by=there.adjudicator, at=late)
    assert renewed.locked_until > late
    assert ReportMove.objects.latest("pk").move == "take"


def test_taking_again_what_one_holds_only_lengthens_the_lock(there):
    report = there.taken()
    again = actions.take_report(report=report, by=there.adjudicator, at=there.at + MINUTE)
    assert again.locked_until == report.locked_until + MINUTE
    assert ReportMove.objects.filter(report=report).count() == 2


def test_who_does_not_hold_it_renews_nothing(there):
    report = there.taken()
    with pytest.raises(LockedError):
        actions.renew_lock(report=report, by=there.second, at=there.at)
    free = actions.let_go(report=report, by=there.adjudicator, at=there.at)
    with pytest.raises(LockedError):
        actions.renew_lock(report=free, by=there.adjudicator, at=there.at)
    with pytest.raises(NotAllowedError):
        actions.renew_lock(report=report, by=there.reviewer, at=there.at)


def test_letting_go_puts_the_report_where_it_came_from(there):
    assert actions.let_go(report=there.taken(), by=there.adjudicator, at=there.at).state == ReportState.SUBMITTED
    appealed = actions.take_report(report=there.appealed(there.polygon(1, 1)), by=there.panel, at=there.at)
    free = actions.let_go(report=appealed, by=there.panel, at=there.at)
    assert (free.state, free.locked_by) == (ReportState.APPEALED, None)


def test_a_question_goes_to_the_author_and_stops_the_clock(there):
    report = there.asked()
    assert (report.state, report.locked_by, report.asked_at) == (ReportState.NEEDS_INFO, None, there.at)
    message = report.messages.get()
    assert (message.kind, message.author, message.text) == (MessageKind.QUESTION, there.adjudicator, "Quand ?")
    mail = OutboxMessage.objects.latest("pk")
    assert mail.recipient == there.reviewer.email
    assert "Quand ?" in mail.body


def test_a_question_says_something(there):
    with pytest.raises(InvalidFieldsError) as raised:
        actions.ask_author(report=there.taken(), by=there.adjudicator, question=" ", at=there.at)
    assert set(raised.value.fields) == {"question"}


def test_a_report_sent_to_the_field_waits_for_whoever_takes_it_then(there):
    sent = actions.send_to_field(report=there.taken(), by=there.adjudicator, at=there.at)
    assert (sent.state, sent.locked_by) == (ReportState.AWAITING_FIELD, None)
    months_later = there.at + 90 * DAY
    taken = actions.take_report(report=sent, by=there.second, at=months_later)
    assert (taken.state, taken.locked_by) == (ReportState.AWAITING_FIELD, there.second)
    proposed = actions.propose_decision(report=taken, proposal=there.proposal(taken), by=there.second, at=months_later)
    assert proposed.state == ReportState.DECISION_PROPOSED


def test_a_report_joined_to_another_follows_it(there):
    polygon = there.polygon()
    master = there.taken(polygon)
    other = there.another_reviewer()
    report = there.sent(polygon, by=other)
    merged = actions.merge_report(report=report, master=master, by=there.adjudicator, at=there.at)
    assert (merged.state, merged.master) == (ReportState.MERGED, master)
    proposed = actions.propose_decision(report=master, proposal=there.refusal(), by=there.adjudicator, at=there.at)
    actions.sign_decision(report=proposed, by=there.second, at=there.at)
    merged.refresh_from_db()
    assert merged.closed_at == there.at
    told = OutboxMessage.objects.filter(recipient=other.email).latest("pk")
    assert there.refusal().reply in told.body


def test_a_report_whose_master_is_withdrawn_stands_for_itself_again(there):
    polygon = there.polygon()
    master = there.sent(polygon)
    report = there.sent(polygon, by=there.another_reviewer())
    actions.merge_report(report=report, master=master, by=there.adjudicator, at=there.at)
    actions.withdraw_report(report=master, by=there.reviewer, at=there.at)
    report.refresh_from_db()
    assert (report.state, report.master) == (ReportState.SUBMITTED, None)
    assert ReportMove.objects.latest("pk").reason == MoveReason.MASTER_GONE


def test_reports_joined_to_a_report_that_joins_another_go_along(there):
    polygon = there.polygon()
    first, second, third = (there.sent(polygon, by=there.another_reviewer()) for _n in range(3))
    actions.merge_report(report=third, master=second, by=there.adjudicator, at=there.at)
    actions.merge_report(report=second, master=first, by=there.adjudicator, at=there.at)
    third.refresh_from_db()
    assert third.master == first


def test_a_report_is_joined_only_to_another_open_one_of_the_same_map(there):
    report, closed = there.sent(), there.rejected(there.polygon(1, 1))
    elsewhere = there.sent(there.polygon(2, 2))
    other_map = Report.objects.get(pk=elsewhere.pk)
    other_map.round.pk, other_map.round.key, other_map.round.year = None, "2023-autre", 2023
    other_map.round.save()
    Report.objects.filter(pk=elsewhere.pk).update(round=other_map.round)
    for master in (report, closed, elsewhere):
        with pytest.raises(StateForbidsError):
            actions.merge_report(report=report, master=master, by=there.adjudicator, at=there.at)


def test_a_report_that_somebody_holds_is_not_joined_by_another(there):
    polygon = there.polygon()
    master, held = there.sent(polygon), there.taken(polygon, by=there.second, comment="Deux.")
    with pytest.raises(LockedError):
        actions.merge_report(report=held, master=master, by=there.adjudicator, at=there.at)


def made_again(there, *polygons):
    """The map of the round made again, with other polygons; the one before is gone."""
    there.vintage.polygons.all().delete()
    there.vintage.state = "replaced"
    there.vintage.save()
    vintage = VintageFactory()
    for outline, habitat in polygons:
        PolygonFactory(vintage=vintage, number=900 + outline.num_points, outline=outline, habitat_type=habitat)
    return vintage


def test_a_map_made_again_finds_the_polygons_of_open_reports_by_place(there):
    waiting, proposed = there.asked(), there.proposed(there.polygon(1, 1))
    gone = there.sent(there.polygon(3, 3))
    draft = actions.save_draft(facts=there.facts(there.polygon(2, 2)), by=there.reviewer, at=there.at)
    whole = square(side=0.003)
    vintage = made_again(there, (whole, there.mire), (square(1, 1, side=0.002).buffer(0.0001), there.meadow))
    later = there.at + DAY
    assert actions.return_stale_reports(vintage=vintage, at=later) == 3
    assert actions.return_stale_reports(vintage=vintage, at=later) == 0
    for report in (waiting, proposed, gone, draft):
        report.refresh_from_db()
    assert (waiting.state, waiting.vintage, waiting.asked_at) == (ReportState.NEEDS_INFO, vintage, there.at)
    line = waiting.polygons.get()
    assert (line.polygon.geometry.equals(whole), line.type_seen, line.relinked_at) == (True, there.meadow, later)
    assert (proposed.state, proposed.locked_by) == (ReportState.IN_REVIEW, None)
    assert proposed.decisions.get().sent_back_at == later
    assert not gone.polygons.exists()
    assert gone.moves.latest("pk").reason == MoveReason.GROUND_GONE
    assert draft.vintage is None
    taken = actions.take_report(report=proposed, by=there.second, at=later)
    assert taken.locked_by == there.second


def test_the_clock_follows_a_map_made_again_outside_of_the_cycle(there):
    report = there.sent()
    assert actions.follow_new_maps(at=there.at) == 0
    vintage = made_again(there, (square(side=0.003), there.mire))
    assert [actions.follow_new_maps(at=there.at) for _twice in range(2)] == [1, 0]
    report.refresh_from_db()
    assert report.vintage == vintage


def test_the_clock_leaves_a_map_of_the_demonstration_to_its_story(there):
    there.sent()
    there.round.is_simulated = True
    there.round.save()
    made_again(there, (square(side=0.003), there.mire))
    tasks.follow_new_maps()
    assert Report.objects.get().vintage == there.vintage


def test_a_clock_that_stood_still_is_not_moved_by_a_map_made_again(there):
    waiting = there.asked()
    vintage = made_again(there, (square(side=0.003), there.mire))
    actions.return_stale_reports(vintage=vintage, at=there.at + DAY)
    answered = actions.answer_question(
        report=waiting, by=there.reviewer, text="Hier.", at=there.at + datetime.timedelta(days=3)
    )
    assert answered.due_on == waiting.due_on + 3 * DAY
