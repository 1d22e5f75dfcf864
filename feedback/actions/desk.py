"""What adjudicators do with a report before they decide: take it, ask, send it to the field, join it to another."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from feedback import notifications
from feedback.actions.log import Effect, held_report, is_held_by_another, lock_by, locked_reports, make_move
from feedback.actions.reports import require_words
from feedback.errors import LockedError
from feedback.models import Report
from feedback.permissions import require_move
from feedback.queries.effects import waiting_decision
from feedback.states import OPEN_STATES, MessageKind, MoveReason, ReportState, Who
from territories.models import User

UNDER_A_LOCK = (ReportState.IN_REVIEW, ReportState.AWAITING_FIELD)


@transaction.atomic
def take_report(*, report: Report, by: User, at: datetime.datetime) -> Report:
    """Hold a report for a while; one whose lock ran out is taken over, one held already is held longer.

    Raises:
        NotAllowedError: no mandate to decide it.
        LockedError: another adjudicator holds it; says who and until when.
        StateForbidsError: it waits for nobody at the desk.
    """
    held = held_report(report)
    if held.state not in UNDER_A_LOCK:
        taken = Effect(to=ReportState.IN_REVIEW)
        return make_move(move="take", report=held, by=by, at=at, effect=lambda _held: taken)
    if held.locked_by_id == by.pk:
        return renew_lock(report=held, by=by, at=at)
    reason = MoveReason.LOCK_RAN_OUT if held.locked_by_id else ""
    over = Effect(to=ReportState(held.state), changes=lock_by(by, at), reason=reason)
    return make_move(move="take_over", report=held, by=by, at=at, effect=lambda _held: over)


@transaction.atomic
def renew_lock(*, report: Report, by: User, at: datetime.datetime) -> Report:
    """Hold the report longer; nothing moves, so nothing is logged.

    Raises:
        NotAllowedError: no mandate to decide it.
        LockedError: another adjudicator holds it, or nobody does.
    """
    held = held_report(report)
    require_move(by, Who.HOLDER, held, timezone.localdate(at))
    if is_held_by_another(held, by, at):
        raise LockedError(held.locked_by, held.locked_until)
    if held.locked_by_id != by.pk:
        raise LockedError(None, None)
    held.locked_until = lock_by(by, at)["locked_until"]
    held.save(update_fields=["locked_until"])
    return held


def let_go(*, report: Report, by: User, at: datetime.datetime) -> Report:
    """Put the report back into the queue: sent, or in appeal where it was appealed.

    Raises:
        NotAllowedError: no mandate to decide it.
        LockedError: somebody else holds it.
        StateForbidsError: it is not under a lock.
    """

    def effect(held: Report) -> Effect:
        if held.state == ReportState.AWAITING_FIELD:
            return Effect(to=ReportState.AWAITING_FIELD)
        return Effect(to=ReportState.APPEALED if held.appealed_at else ReportState.SUBMITTED)

    return make_move(move="let_go", report=report, by=by, at=at, effect=effect)


def ask_author(*, report: Report, by: User, question: str, at: datetime.datetime) -> Report:
    """Ask the author something; the clock stands still until the answer.

    Raises:
        NotAllowedError: no mandate to decide it.
        LockedError: somebody else holds it.
        StateForbidsError: it is not in review.
        InvalidFieldsError: no question.
    """
    words = require_words(question, field="question")
    asked = Effect(
        to=ReportState.NEEDS_INFO,
        said=(MessageKind.QUESTION, words),
        tell=lambda sent: notifications.tell_asked(sent, question=words, at=at),
    )
    given = {"question": words}
    return make_move(move="ask", report=report, by=by, at=at, effect=lambda _held: asked, given=given)


def send_to_field(*, report: Report, by: User, at: datetime.datetime) -> Report:
    """Leave the report to the next field campaign; whoever takes it then may decide.

    Raises:
        NotAllowedError: no mandate to decide it.
        LockedError: somebody else holds it.
        StateForbidsError: it is not in review.
    """
    waiting = Effect(to=ReportState.AWAITING_FIELD)
    return make_move(move="send_to_field", report=report, by=by, at=at, effect=lambda _held: waiting)


@transaction.atomic
def merge_report(*, report: Report, master: Report, by: User, at: datetime.datetime) -> Report:
    """Join a report to another one about the same place: its author follows the other's decision.

    Raises:
        NotAllowedError: no mandate to decide it.
        LockedError: another adjudicator holds it.
        StateForbidsError: it cannot be joined now, or not to that one.
    """

    def effect(held: Report) -> Effect:
        chief = _locked_master(held, master)
        held.merged.update(master=chief)
        return Effect(
            to=ReportState.MERGED,
            changes={"master": chief},
            reason=str(chief),
            tell=lambda sent: notifications.tell_merged(sent, at=at),
        )

    # Both rows, always in the same order: two joins at once never wait for each other.
    list(locked_reports().filter(pk__in=[report.pk, master.pk]).order_by("pk"))
    return make_move(move="merge", report=report, by=by, at=at, effect=effect, given={"master": master})


def _locked_master(held: Report, master: Report) -> Report:
    chief = held_report(master)
    same_map = (chief.round.year, chief.round.region_id) == (held.round.year, held.round.region_id)
    if chief.pk == held.pk or not same_map:
        raise StateForbidsError(_("Choose another report about the same map."))
    if chief.state not in OPEN_STATES:
        raise StateForbidsError(
            _("Report %(master)s is %(state)s: choose one that is still to be decided.")
            % {"master": chief, "state": chief.get_state_display()}
        )
    _require_others_decide(held, chief)
    return chief


def _require_others_decide(held: Report, chief: Report) -> None:
    """See that the decision that waits for a signature is not by an author of what would be joined to it."""
    waiting = waiting_decision(chief)
    if waiting is not None and waiting.proposed_by_id in {
        held.author_id,
        *held.merged.values_list("author", flat=True),
    }:
        raise StateForbidsError(
            _("An author of report %(report)s proposed what is decided on report %(master)s: sign or send that back.")
            % {"report": held, "master": chief}
        )
