"""What authors do with their reports, and what the clock does to them."""

import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from feedback import notifications
from feedback.actions.checks import look_up_ground, lowers_stake, require_complete
from feedback.actions.drafts import begun_report, place_on, require_open, require_same_round, store_polygons, words_of
from feedback.actions.facts import ReportFacts, facts_of
from feedback.actions.followers import part_followers
from feedback.actions.log import Effect, make_move
from feedback.errors import PolygonsSeenChangedError, UuidTakenError
from feedback.models import Report, ReportMove
from feedback.permissions import require_contest
from feedback.queries.ground import commune_of, highest_stake, open_reports_on, stake_of
from feedback.states import MessageKind, ReportState
from territories.models import User


def submit_report(
    *, by: User, at: datetime.datetime, facts: ReportFacts | None = None, report: Report | None = None
) -> tuple[Report, bool]:
    """Send a report, or a draft as it was saved; the same again changes nothing.

    Args:
        by: the author.
        at: the moment.
        facts: what is reported; over a draft of the same identifier it is what counts.
        report: a draft to send as it stands.

    Returns:
        The report, and whether this call sent it.

    Raises:
        UuidTakenError: the identifier was used for another body, or by somebody else.
        NotAllowedError: less than half of the place is in the author's mandate and in the round.
        RoundForbidsError: the round does not receive (any more).
        PolygonsSeenChangedError: the map is no longer what the author saw.
        InvalidFieldsError: fields are missing or wrong.
    """
    if facts is None:
        if report is None:
            raise ValueError("facts or a report")
        facts = facts_of(report)
    with transaction.atomic():
        begun = begun_report(facts=facts, by=by, at=at)
        if begun.state == ReportState.NEEDS_INFO and report is not None:
            raise StateForbidsError(_("A question waits for you: send the report again by answering it."))
        if begun.state != ReportState.DRAFT:
            if report is None and begun.body_sha256 != facts.sha256():
                raise UuidTakenError
            return begun, False
        require_same_round(begun, facts)
        if report is not None:
            _require_polygons_left(begun)
        effect = _Sending(facts, by, at)
        return make_move(move="submit", report=begun, by=by, at=at, effect=effect.on), True


class _Sending:
    """The guards of `submit` and what it writes."""

    def __init__(self, facts: ReportFacts, by: User, at: datetime.datetime) -> None:
        self.facts, self.by, self.at = facts, by, at

    def on(self, held: Report) -> Effect:
        """Check everything on the locked draft, keep its polygons and its neighbours."""
        today = timezone.localdate(self.at)
        _require_receiving(held, self.at)
        facts = self.facts
        ground = look_up_ground(facts, held.round)
        require_complete(facts, ground, on=today)
        proposed = facts.proposed_type.pk if facts.proposed_type else None
        types = [proposed, *(polygon.habitat_type_id for polygon in ground.polygons)]
        require_contest(self.by, held.round, ground.geometry, today, types)
        store_polygons(held, ground.polygons, versions={})
        held.near.add(*open_reports_on(ground.geometry, round_=held.round, other_than=held.pk))
        changes = {
            **words_of(facts),
            **place_on(ground, facts),
            "organisation_id": self.by.organisation_id,
            "commune": commune_of(ground.geometry),
            "stake": highest_stake([*ground.stakes, stake_of(facts.proposed_type)]),
            "lowers_stake": lowers_stake(facts, ground),
            "submitted_at": self.at,
            "due_on": today + datetime.timedelta(days=settings.REPORT_ANSWER_DAYS),
        }
        return Effect(
            to=ReportState.SUBMITTED, changes=changes, tell=lambda sent: notifications.tell_received(sent, at=self.at)
        )


def _require_polygons_left(draft: Report) -> None:
    gone = draft.polygons.filter(polygon=None)
    if gone:
        raise PolygonsSeenChangedError(
            [
                {"id": None, "number": line.number, "version_seen": line.version_seen, "version": None, "code": None}
                for line in gone
            ]
        )


def _require_receiving(held: Report, at: datetime.datetime) -> None:
    """The round is open, or its grace still runs for a draft begun before the close."""
    round_ = held.round
    if held.created_at < round_.closes_at <= at < round_.grace_ends_at and round_.opened_at is not None:
        return
    require_open(round_, at)


def answer_question(*, report: Report, by: User, text: str, at: datetime.datetime) -> Report:
    """Answer the adjudicator: the report is in the queue again, and its clock goes on.

    The round may have closed since: what was sent in time is finished.

    Raises:
        NotAllowedError: not the author.
        StateForbidsError: no question waits.
        InvalidFieldsError: no text.
    """
    words = require_words(text, field="text")

    def effect(held: Report) -> Effect:
        if held.state != ReportState.NEEDS_INFO:
            raise StateForbidsError(_("No question waits for an answer."))
        asked = ReportMove.objects.filter(report=held, move="ask").order_by("-pk").select_related("by").first()
        to = asked.by if asked else None
        return Effect(
            to=ReportState.SUBMITTED,
            said=(MessageKind.ANSWER, words),
            tell=(lambda sent: notifications.tell_answered(sent, to=to, at=at)) if to else None,
        )

    return make_move(move="submit", report=report, by=by, at=at, effect=effect)


def withdraw_report(*, report: Report, by: User, at: datetime.datetime) -> Report:
    """Take back a draft, a report nobody took yet, or one that waits for its author.

    Raises:
        NotAllowedError: not the author.
        StateForbidsError: somebody looks at it already.
    """
    withdrawn = Effect(to=ReportState.WITHDRAWN, tell=lambda held: part_followers(held, at=at))
    return make_move(move="withdraw", report=report, by=by, at=at, effect=lambda _held: withdrawn)


def appeal_report(*, report: Report, by: User, new_evidence: str, at: datetime.datetime) -> Report:
    """Ask the appeal panel, once, within the window, with something new.

    Raises:
        NotAllowedError: not the author.
        StateForbidsError: not rejected, appealed before, or too late.
        InvalidFieldsError: nothing new.
    """
    words = require_words(new_evidence, field="new_evidence")

    def effect(held: Report) -> Effect:
        if held.appealed_at is not None:
            raise StateForbidsError(_("This report was appealed once: the panel's decision stands."))
        ended = held.closed_at or held.updated_at
        last_day = timezone.localdate(ended) + datetime.timedelta(days=settings.APPEAL_DAYS)
        if timezone.localdate(at) > last_day:
            raise StateForbidsError(_("The time to appeal ended on %(day)s.") % {"day": last_day})
        due_on = timezone.localdate(at) + datetime.timedelta(days=settings.REPORT_ANSWER_DAYS)
        return Effect(
            to=ReportState.APPEALED,
            changes={"appealed_at": at, "due_on": due_on},
            said=(MessageKind.EVIDENCE, words),
        )

    given = {"new_evidence": words}
    return make_move(move="appeal", report=report, by=by, at=at, effect=effect, given=given)


def require_words(text: str, *, field: str) -> str:
    """The text without spaces around it, or an error that names the field."""
    words = text.strip()
    if not words:
        raise InvalidFieldsError(_("Write something."), fields={field: _("Write something.")})
    if len(words) > settings.REPORT_MAX_COMMENT:
        sentence = _("At most %(most)s characters.") % {"most": settings.REPORT_MAX_COMMENT}
        raise InvalidFieldsError(sentence, fields={field: sentence})
    return words
