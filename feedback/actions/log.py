"""The one way a report moves: the table says who, from where, to where and with what; every move leaves its row."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from feedback.errors import LockedError, written
from feedback.models import Report, ReportMessage, ReportMove
from feedback.permissions import require_move
from feedback.states import ALL_MOVES, CLOSED_STATES, MessageKind, Move, ReportState, Who
from territories.models import User

logger = structlog.get_logger(__name__)
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a move does besides its row in the log.

    Attributes:
        to: the state it reaches.
        changes: fields of the report to write.
        reason: why it went there: a sentence of a person, or a MoveReason.
        said: kind and text of the message left in the thread.
        tell: called once all is written, to put mails in the outbox.
    """

    to: ReportState
    changes: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    said: tuple[MessageKind, str] | None = None
    tell: Callable[[Report], None] | None = None


@transaction.atomic
def make_move(
    *,
    move: str,
    report: Report,
    by: User | None,
    at: datetime.datetime,
    effect: Callable[[Report], Effect],
    given: Mapping[str, Any] | None = None,
) -> Report:
    """Make one move of the table: lock the report, check right, state and guards, write, log, tell.

    Args:
        move: a key of ALL_MOVES.
        report: the report; its row is read again under a lock.
        by: who; None is the clock, or the publication of a release.
        at: the moment.
        effect: checks the guards of the move on the locked report and says what it does. It may write other rows.
        given: what the table says must come with the move.

    Raises:
        NotAllowedError: the person does not make this move.
        StateForbidsError: the report is not where the move starts, or somebody else holds it.
        InvalidFieldsError: something that must be given is not.
    """
    row = ALL_MOVES[move]
    held = held_report(report)
    require_move(by, row.who, held, timezone.localdate(at))
    _require_state(held, row)
    _require_lock(held, row, by, at)
    _require_given(row, given or {})
    done = effect(held)
    if done.to not in row.targets:
        raise ValueError(f"{move} does not lead to {done.to}")
    left = held.state
    _write(held, done, by, at)
    _log(held, move, left, by, at, done)
    if done.tell:
        done.tell(held)
    logger.info("report moved", report=held.pk, move=move, to=held.state, by=by and by.pk)
    return held


def held_report(report: Report) -> Report:
    """The report as it stands, its row locked until the end of the transaction."""
    return locked_reports().get(pk=report.pk)


def locked_reports() -> QuerySet[Report]:
    """Reports that are locked as they are read, with what their moves need and without heavy outlines."""
    rows = Report.objects.select_for_update(of=("self",)).select_related(
        "round__territory", "round__region", "author", "commune", "locked_by"
    )
    heavy = ("round__region__footprint", "round__territory__geometry", "round__territory__geometry_3857")
    return rows.defer(*heavy, "commune__geometry", "commune__geometry_3857")


def lock_by(person: User, at: datetime.datetime) -> dict[str, Any]:
    """The fields of a lock that begins now."""
    until = at + datetime.timedelta(minutes=settings.REPORT_LOCK_MINUTES)
    return {"locked_by": person, "locked_until": until}


def is_held_by_another(report: Report, person: User | None, at: datetime.datetime) -> bool:
    """Whether somebody else's lock still runs."""
    if report.locked_by_id is None or report.locked_until is None or report.locked_until <= at:
        return False
    return person is None or report.locked_by_id != person.pk


def _require_state(held: Report, row: Move) -> None:
    if held.state in row.sources:
        return
    allowed = ", ".join(str(state.label) for state in row.sources)
    raise StateForbidsError(
        _("Report %(report)s is: %(state)s, since %(moment)s. This is only possible while it is: %(allowed)s.")
        % {
            "report": held,
            "state": held.get_state_display(),
            "moment": written(held.updated_at),
            "allowed": allowed,
        }
    )


def _require_lock(held: Report, row: Move, by: User | None, at: datetime.datetime) -> None:
    """A holder must hold; an adjudicator must not find somebody else holding."""
    if row.who not in (Who.HOLDER, Who.ADJUDICATOR):
        return
    if is_held_by_another(held, by, at):
        raise LockedError(held.locked_by, held.locked_until)
    # A lock that ran out still holds as long as nobody else took the report.
    if row.who == Who.HOLDER and (by is None or held.locked_by_id != by.pk):
        raise LockedError(None, None)


def _require_given(row: Move, given: Mapping[str, Any]) -> None:
    missing = [name for name in row.needs if not given.get(name)]
    if missing:
        raise InvalidFieldsError(
            _("Say also: %(fields)s.") % {"fields": ", ".join(missing)},
            fields={name: _("This is needed.") for name in missing},
        )


def _write(held: Report, done: Effect, by: User | None, at: datetime.datetime) -> None:
    changes = {**_entering(held, done.to, by, at), **done.changes, "state": done.to, "updated_at": at}
    for name, value in changes.items():
        setattr(held, name, value)
    held.save(update_fields=list(changes))


def _entering(held: Report, to: ReportState, by: User | None, at: datetime.datetime) -> dict[str, Any]:
    """What each state brings: its lock, its clock, its end."""
    changes: dict[str, Any] = {"locked_by": None, "locked_until": None, "asked_at": None}
    if to == ReportState.IN_REVIEW and by is not None:
        changes |= lock_by(by, at)
    if to == ReportState.NEEDS_INFO:
        changes |= {"asked_at": at, "reminded_at": None}
    if held.asked_at and held.due_on and to not in CLOSED_STATES:
        # The clock stood still while the question waited.
        changes["due_on"] = held.due_on + (timezone.localdate(at) - timezone.localdate(held.asked_at))
    changes["closed_at"] = (held.closed_at or at) if to in CLOSED_STATES else None
    return changes


def _log(held: Report, move: str, left: str, by: User | None, at: datetime.datetime, done: Effect) -> None:
    ReportMove.objects.create(
        report=held, move=move, from_state=left, to_state=held.state, by=by, at=at, reason=done.reason[:LONGEST_REASON]
    )
    if done.said:
        kind, text = done.said
        ReportMessage.objects.create(report=held, kind=kind, author=by, text=text, written_at=at)
