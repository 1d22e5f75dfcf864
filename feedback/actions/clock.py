"""What time does to reports: reminders, expiry; and what a map made again does to those still open."""

import datetime
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from feedback import notifications
from feedback.actions.followers import part_followers
from feedback.actions.log import Effect, held_report, make_move
from feedback.models import Report, ReportPolygon
from feedback.queries.ground import polygons_under
from feedback.states import OPEN_STATES, MoveReason, ReportState
from habitats.models import Polygon, Vintage
from habitats.states import VintageState

logger = structlog.get_logger(__name__)
# A whole polygon was contested: of the new ones, those that lie mostly in its place take over.
LEAST_SHARE_OF_POLYGON = 0.5


def expire_reports(*, at: datetime.datetime, simulated: bool | None = None) -> int:
    """Remind authors of questions, and expire those that waited too long.

    Args:
        at: the moment.
        simulated: only rounds on the demonstration's clock (True), only the others (False), or all.

    Returns:
        How many expired.
    """
    waiting = Report.objects.filter(state=ReportState.NEEDS_INFO)
    if simulated is not None:
        waiting = waiting.filter(round__is_simulated=simulated)
    last = at - datetime.timedelta(days=settings.QUESTION_DAYS)
    for report in _unreminded(waiting, at):
        _remind(report, at)
    late = list(waiting.filter(asked_at__lte=last).only("pk"))
    return sum(_expire(report, last, at) for report in late)


def _unreminded(waiting: QuerySet[Report], at: datetime.datetime) -> list[Report]:
    soon = at - datetime.timedelta(days=settings.QUESTION_DAYS - settings.QUESTION_REMINDER_DAYS)
    last = at - datetime.timedelta(days=settings.QUESTION_DAYS)
    return list(waiting.filter(asked_at__lte=soon, asked_at__gt=last, reminded_at=None).only("pk"))


@transaction.atomic
def _remind(report: Report, at: datetime.datetime) -> None:
    held = held_report(report)
    if held.state == ReportState.NEEDS_INFO and held.reminded_at is None:
        held.reminded_at = at
        held.save(update_fields=["reminded_at"])
        notifications.tell_reminder(held, at=at)


@transaction.atomic
def _expire(report: Report, last: datetime.datetime, at: datetime.datetime) -> bool:
    held = held_report(report)
    # The author may have answered between the list and the lock.
    if held.state != ReportState.NEEDS_INFO or held.asked_at is None or held.asked_at > last:
        return False

    def tell(expired: Report) -> None:
        notifications.tell_expired(expired, at=at)
        part_followers(expired, at=at)

    expired = Effect(to=ReportState.EXPIRED, reason=MoveReason.NO_ANSWER, tell=tell)
    make_move(move="expire", report=held, by=None, at=at, effect=lambda _held: expired)
    return True


def return_stale_reports(*, vintage: Vintage, at: datetime.datetime) -> int:
    """After a map was made again: find the polygons of its open reports again by place.

    A decision that waited for a signature was made on polygons that are gone: the report is in review again.
    Drafts stay as they are; their author is told when sending them.

    Args:
        vintage: the map that opened.
        at: the moment.

    Returns:
        How many reports were found to stand on another map.
    """
    same_map = Report.objects.filter(round__region=vintage.region_id, round__year=vintage.year)
    stale = same_map.filter(state__in=OPEN_STATES).exclude(vintage=vintage)
    count = sum(_return(report, vintage, at) for report in list(stale.only("pk")))
    logger.info("reports found again", vintage=vintage.pk, count=count)
    return count


@transaction.atomic
def _return(report: Report, vintage: Vintage, at: datetime.datetime) -> bool:
    held = held_report(report)
    # Decided, withdrawn or found again between the list and the lock.
    if held.state not in OPEN_STATES or held.vintage_id == vintage.pk:
        return False

    def effect(held: Report) -> Effect:
        return _found_again(held, vintage=vintage, at=at)

    make_move(move="relink", report=held, by=None, at=at, effect=effect)
    return True


def follow_new_maps(*, at: datetime.datetime) -> int:
    """Return the stale reports of every working map: whoever made one again knows nothing of reports.

    Rounds on the demonstration's clock are left to its story.

    Returns:
        How many reports were found to stand on another map.
    """
    open_ones = Report.objects.open().filter(round__is_simulated=False)
    years = set(open_ones.order_by().values_list("round__region", "round__year").distinct())
    shown = Vintage.objects.filter(state=VintageState.WORKING)
    return sum(
        return_stale_reports(vintage=vintage, at=at) for vintage in shown if (vintage.region_id, vintage.year) in years
    )


def _found_again(held: Report, *, vintage: Vintage, at: datetime.datetime) -> Effect:
    polygons = _standing_there(held, vintage)
    seen = {line.type_seen_id for line in held.polygons.all()}
    held.polygons.all().delete()
    ReportPolygon.objects.bulk_create(
        ReportPolygon(
            report=held,
            polygon=polygon,
            number=polygon.number,
            version_seen=polygon.version,
            # What the author saw stays, as long as it was one habitat.
            type_seen_id=next(iter(seen)) if len(seen) == 1 else polygon.habitat_type_id,
            area_m2=polygon.area_m2,
            relinked_at=at,
        )
        for polygon in polygons
    )
    reason = MoveReason.MAP_MADE_AGAIN if polygons else MoveReason.GROUND_GONE
    if held.state != ReportState.DECISION_PROPOSED:
        # The lock and the clock stay as they are.
        untouched = ("locked_by", "locked_until", "asked_at", "reminded_at", "due_on")
        kept = {name: getattr(held, name) for name in untouched}
        return Effect(to=ReportState(held.state), changes={**kept, "vintage": vintage}, reason=reason)
    held.decisions.filter(signed_at=None, sent_back_at=None).update(sent_back_at=at)
    return Effect(to=ReportState.IN_REVIEW, changes={"vintage": vintage}, reason=reason)


def _standing_there(held: Report, vintage: Vintage) -> Sequence[Polygon]:
    place = held.geometry
    if place is None:
        return []
    under = list(polygons_under(vintage, place)[: settings.REPORT_MAX_POLYGONS])
    if held.is_drawn:
        return under
    mostly = [
        polygon
        for polygon in under
        if polygon.geometry.intersection(place).area >= LEAST_SHARE_OF_POLYGON * polygon.geometry.area
    ]
    # Where the new polygons are all much larger, the one that covers most of the place stands for them.
    return mostly or sorted(under, key=lambda polygon: -polygon.geometry.intersection(place).area)[:1]
