import pytest

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import actions
from feedback.states import ReportState
from territories.models import OutboxMessage
from tests.factories import (
    DAY,
    Consultation,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def there():
    return Consultation()


def test_an_answer_puts_the_report_back_and_the_clock_goes_on(there):
    asked = there.asked()
    due_on = asked.due_on
    answered = actions.answer_question(report=asked, by=there.reviewer, text="En mai.", at=there.at + 4 * DAY)
    assert answered.state == ReportState.SUBMITTED
    assert answered.due_on == due_on + 4 * DAY
    assert OutboxMessage.objects.filter(recipient=there.adjudicator.email).count() == 1
    with pytest.raises(StateForbidsError):
        actions.answer_question(report=answered, by=there.reviewer, text="Encore.", at=there.at + 4 * DAY)


def test_an_answer_is_taken_after_the_close_and_says_something(there):
    asked = there.asked()
    actions.close_round(round=there.round, by=None, at=there.at + DAY)
    with pytest.raises(InvalidFieldsError):
        actions.answer_question(report=asked, by=there.reviewer, text="  ", at=there.at + 2 * DAY)
    actions.answer_question(report=asked, by=there.reviewer, text="En mai.", at=there.at + 2 * DAY)


def test_a_report_with_a_question_is_answered_not_sent_again(there):
    asked = there.asked()
    with pytest.raises(StateForbidsError):
        actions.submit_report(report=asked, by=there.reviewer, at=there.at)


def test_an_author_withdraws_what_nobody_holds_yet(there):
    report = there.sent()
    with pytest.raises(NotAllowedError):
        actions.withdraw_report(report=report, by=there.another_reviewer(), at=there.at)
    assert actions.withdraw_report(report=report, by=there.reviewer, at=there.at).state == ReportState.WITHDRAWN
    with pytest.raises(StateForbidsError):
        actions.withdraw_report(report=there.taken(there.polygon(1, 1)), by=there.reviewer, at=there.at)


def test_an_author_whose_mandate_ended_still_withdraws(there):
    report = there.sent()
    there.reviewer.mandates.all().delete()
    assert actions.withdraw_report(report=report, by=there.reviewer, at=there.at).state == ReportState.WITHDRAWN


def test_an_appeal_comes_once_in_time_and_with_something_new(there, settings):
    refused = there.rejected()
    with pytest.raises(InvalidFieldsError):
        actions.appeal_report(report=refused, by=there.reviewer, new_evidence="", at=there.at)
    too_late = there.at + (settings.APPEAL_DAYS + 1) * DAY
    with pytest.raises(StateForbidsError):
        actions.appeal_report(report=refused, by=there.reviewer, new_evidence="Un relevé.", at=too_late)
    appealed = actions.appeal_report(report=refused, by=there.reviewer, new_evidence="Un relevé.", at=there.at)
    assert (appealed.state, appealed.closed_at) == (ReportState.APPEALED, None)


def test_an_author_is_reminded_once_then_the_report_expires(there, settings):
    report = there.asked()
    before = OutboxMessage.objects.count()
    soon = there.at + (settings.QUESTION_DAYS - settings.QUESTION_REMINDER_DAYS) * DAY
    assert [actions.expire_reports(at=soon), actions.expire_reports(at=soon)] == [0, 0]
    assert OutboxMessage.objects.count() == before + 1
    late = there.at + settings.QUESTION_DAYS * DAY
    assert [actions.expire_reports(at=late), actions.expire_reports(at=late)] == [1, 0]
    report.refresh_from_db()
    assert report.state == ReportState.EXPIRED


def test_the_wall_clock_leaves_the_rounds_of_the_demonstration_alone(there, settings):
    there.asked()
    there.round.is_simulated = True
    there.round.save()
    late = there.at + settings.QUESTION_DAYS * DAY
    assert actions.expire_reports(at=late, simulated=False) == 0
    assert actions.expire_reports(at=late, simulated=True) == 1
