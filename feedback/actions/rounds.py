"""Plan, open and close rounds; by hand, or by the clock."""

import datetime
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import notifications
from feedback.models import Report, Round
from feedback.permissions import may_hold_round
from feedback.queries.ground import contested_vintage
from feedback.states import ROUND_MOVES, ReportState, RoundState
from territories.models import Territory, User

logger = structlog.get_logger(__name__)


@transaction.atomic
def plan_round(*, key: str, by: User | None, at: datetime.datetime, **plan: Any) -> Round:
    """Plan a round; planning the same key again moves one that is not open yet.

    Args:
        key: short name, unique.
        by: a release administrator of the territory; None is the operator at the machine's console, or the cycle.
        at: the moment.
        **plan: `year`, `region`, `territory`, `name`, `opens_at`, `closes_at`, `grace_ends_at`, and `is_simulated`.

    Raises:
        NotAllowedError: no `release` on the territory.
        StateForbidsError: a round of this key was opened already.
        InvalidFieldsError: a date comes too early, the key is no short name, the region has no such year.
    """
    _require_right(by, plan["territory"], at)
    _check_plan(key, plan, at)
    known = Round.objects.select_for_update(of=("self",)).select_related("territory").filter(key=key).first()
    if known is not None:
        _require_right(by, known.territory, at)
    if known is not None and known.state != RoundState.PLANNED:
        raise StateForbidsError(
            _("The round %(round)s is %(state)s: plan another one under another short name.")
            % {"round": key, "state": known.get_state_display()}
        )
    round_ = known or Round(key=key)
    for name, value in plan.items():
        setattr(round_, name, value)
    try:
        with transaction.atomic():
            round_.save()
    except IntegrityError as error:
        raise StateForbidsError(
            _("The round %(round)s has just been planned: open its page.") % {"round": key}
        ) from error
    logger.info("round planned", round=key, by=by and by.pk, at=at.isoformat())
    return round_


def _check_plan(key: str, plan: dict[str, Any], at: datetime.datetime) -> None:
    fields: dict[str, Any] = {}
    try:
        validate_slug(key)
    except ValidationError:
        fields["key"] = _("Letters without accents, digits, hyphens and underscores only.")
    if not plan["opens_at"] < plan["closes_at"]:
        fields["closes_at"] = _("The round must close after it opens.")
    if plan["grace_ends_at"] < plan["closes_at"]:
        fields["grace_ends_at"] = _("The grace must not end before the round closes.")
    if plan["closes_at"] <= at:
        fields["closes_at"] = _("This moment is over already.")
    if plan["year"] not in plan["region"].years:
        years = ", ".join(map(str, plan["region"].years))
        fields["year"] = _("The region has maps of %(years)s only.") % {"years": years}
    if fields:
        raise InvalidFieldsError(" ".join(map(str, fields.values())), fields=fields)


@transaction.atomic
def open_round(*, round: Round, by: User | None, at: datetime.datetime) -> Round:
    """Open a planned round; earlier than planned where somebody says so.

    Args:
        round: the round.
        by: a release administrator of its territory; None is the clock, or the operator at the machine's console.
        at: the moment.

    Raises:
        NotAllowedError: no `release` on its territory.
        StateForbidsError: it is not planned, its end is over, or there is no working map of its year.
    """
    held = _held(round, "open", by, at)
    if at >= held.closes_at:
        raise StateForbidsError(
            _("The round %(round)s should have closed already: plan it again with later dates.") % {"round": held}
        )
    if contested_vintage(held) is None:
        raise StateForbidsError(
            _("There is no working map of %(year)s to contest yet: map the year first.") % {"year": held.year}
        )
    held.opens_at = min(held.opens_at, at)
    held.opened_at = at
    return _moved(held, "open", by)


@transaction.atomic
def close_round(*, round: Round, by: User | None, at: datetime.datetime) -> Round:
    """Close an open round; drafts stay, and may be sent until the grace ends. Closing early moves the grace too.

    Args:
        round: the round.
        by: a release administrator of its territory; None is the clock, or the operator at the machine's console.
        at: the moment.

    Raises:
        NotAllowedError: no `release` on its territory.
        StateForbidsError: it is not open.
    """
    held = _held(round, "close", by, at)
    if held.opens_at < at < held.closes_at:
        held.grace_ends_at -= held.closes_at - at
        held.closes_at = at
    held.closed_at = at
    _moved(held, "close", by)
    drafts = Report.objects.filter(round=held, state=ReportState.DRAFT).order_by()
    counts = dict(drafts.values_list("author").annotate(Count("pk")))
    for author in User.objects.filter(pk__in=counts, is_active=True):
        notifications.tell_round_closed(held, to=author, drafts=counts[author.pk], at=at)
    return held


def turn_rounds(*, at: datetime.datetime, simulated: bool = False) -> tuple[int, int]:
    """Open and close the rounds whose moment has come, on the wall clock or on the demonstration's.

    Returns:
        How many were opened, and closed. A round whose map is not made yet waits for it.
    """
    rounds = Round.objects.filter(is_simulated=simulated)
    due = [(open_round, rounds.filter(state=RoundState.PLANNED, opens_at__lte=at, closes_at__gt=at))]
    due.append((close_round, rounds.filter(state=RoundState.OPEN, closes_at__lte=at)))
    turned = [sum(_turn(act, round_, at) for round_ in list(which)) for act, which in due]
    return turned[0], turned[1]


def _turn(act: Any, round_: Round, at: datetime.datetime) -> bool:
    try:
        act(round=round_, by=None, at=at)
    except StateForbidsError as error:
        logger.info("round waits", round=round_.key, why=str(error.detail))
        return False
    return True


def _held(round_: Round, move: str, by: User | None, at: datetime.datetime) -> Round:
    held = Round.objects.select_for_update(of=("self",)).select_related("territory").get(pk=round_.pk)
    _require_right(by, held.territory, at)
    sources, _target = ROUND_MOVES[move]
    if held.state not in sources:
        raise StateForbidsError(
            _("The round %(round)s is %(state)s already.") % {"round": held.name, "state": held.get_state_display()}
        )
    return held


def _moved(held: Round, move: str, by: User | None) -> Round:
    held.state = ROUND_MOVES[move][1]
    held.save()
    logger.info("round moved", round=held.key, move=move, by=by and by.pk)
    return held


def _require_right(by: User | None, territory: Territory, at: datetime.datetime) -> None:
    if by is not None and not may_hold_round(by, territory, timezone.localdate(at)):
        raise NotAllowedError(
            _("Only a release administrator of %(territory)s holds rounds there.") % {"territory": territory.name}
        )
