"""Which reports a person reads, which wait at the desk, and which a release carries."""

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from feedback.models import Decision, Release, Report, ReportPolygon, Round
from feedback.models.reports import ReportQuerySet
from feedback.states import OPEN_STATES, ReportState
from habitats.models import BoundCorrection, HabitatType
from habitats.states import BindingOutcome
from territories.models import Territory, User
from territories.permissions import Person, territories_with_right
from territories.queries import keys_under
from territories.states import TerritoryKind

DECIDING_RIGHTS = ("decide", "decide_appeal")
READING_RIGHTS = (*DECIDING_RIGHTS, "release")
PAGE_SIZE = 50


def reports_for_lists() -> ReportQuerySet:
    """Reports with what a line says of them, without outlines."""
    return Report.objects.select_related(
        "round", "author", "organisation", "commune", "proposed_type", "locked_by"
    ).defer("geometry", "commune__geometry", "commune__geometry_3857")


def my_reports(person: User) -> ReportQuerySet:
    """A person's own reports, drafts too, latest move first."""
    return reports_for_lists().of_author(person.pk).order_by("-updated_at", "-pk")


def reports_visible_to(person: Person, on: datetime.date) -> ReportQuerySet:
    """A person's own reports, and those that were sent from the places where they decide or release."""
    if not isinstance(person, User):
        return reports_for_lists().none()
    mine = Q(author=person)
    places = places_under(_held(person, READING_RIGHTS, on))
    if places is None:
        return reports_for_lists().filter(mine | Q(submitted_at__isnull=False))
    return reports_for_lists().filter(mine | (Q(commune__in=places) & Q(submitted_at__isnull=False)))


def _held(person: Person, rights: tuple[str, ...], on: datetime.date) -> list[Territory]:
    return [place for right in rights for place in territories_with_right(person, right, on=on)]


def places_under(held: list[Territory]) -> list[int] | None:
    """The primary keys of the territories that lie in those held, themselves too; None stands for all of them.

    Keys and not a question inside of another: the queue then reads its index and joins only what it shows.
    """
    has_region = Territory.objects.of_kind(TerritoryKind.REGION).exists() if held else True
    if any(place.kind == TerritoryKind.REGION if has_region else place.parent_id is None for place in held):
        return None
    return sorted(keys_under(place.pk for place in held))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilters:
    """What an adjudicator looks for.

    Attributes:
        round: of one round.
        state: in one state (a ReportState); empty: all those that wait for somebody.
        commune: in one commune.
        habitat: seen or proposed.
        stake: a Stake.
        sent_before: sent before the moment.
        mine: held by the person.
        free_at: held by nobody at the moment.
    """

    round: Round | None = None
    state: str = ""
    commune: Territory | None = None
    habitat: HabitatType | None = None
    stake: str = ""
    sent_before: datetime.datetime | None = None
    mine: bool = False
    free_at: datetime.datetime | None = None


def queue_of(person: Person, on: datetime.date, filters: QueueFilters | None = None) -> ReportQuerySet:
    """The reports that a person may decide, first due first; appeals are for the panel, the others not.

    A report of the person's own is not among them.
    """
    filters = filters or QueueFilters()
    if not isinstance(person, User):
        return reports_for_lists().none()
    reports = reports_for_lists().not_drafts().exclude(author=person).filter(_decided_by(person, on))
    states = [filters.state] if filters.state else list(OPEN_STATES)
    return _narrowed(reports.filter(state__in=states), filters, person).ordered_for_desk()


def _decided_by(person: User, on: datetime.date) -> Q:
    """As feedback.permissions.may_decide, asked of many rows at once."""
    first = _at(places_under(territories_with_right(person, "decide", on=on)))
    panel = _at(places_under(territories_with_right(person, "decide_appeal", on=on)))
    decided = Decision.objects.filter(report=OuterRef("pk"), in_appeal=False)
    by_them = decided.filter(Q(proposed_by=person) | Q(signed_by=person))
    return (Q(appealed_at=None) & first) | (Q(appealed_at__isnull=False) & panel & ~Q(Exists(by_them)))


def _at(places: list[int] | None) -> Q:
    return Q() if places is None else Q(commune__in=places)


def _narrowed(reports: ReportQuerySet, filters: QueueFilters, person: User) -> ReportQuerySet:
    wanted: dict[str, Any] = {
        "round": filters.round,
        "commune": filters.commune,
        "stake": filters.stake,
        "submitted_at__lt": filters.sent_before,
        "locked_by": person if filters.mine else None,
    }
    reports = reports.filter(**{name: value for name, value in wanted.items() if value})
    if filters.free_at:
        reports = reports.filter(Q(locked_until=None) | Q(locked_until__lte=filters.free_at))
    if filters.habitat:
        seen = ReportPolygon.objects.filter(report=OuterRef("pk"), type_seen=filters.habitat)
        reports = reports.filter(Q(proposed_type=filters.habitat) | Exists(seen))
    return reports


@dataclass(frozen=True)
class QueuePage:
    """Some lines of the queue, and where the next ones begin: `due_on` and primary key of the last one, or None."""

    reports: list[Report]
    after: tuple[datetime.date, int] | None


def queue_page(
    queue: QuerySet[Report], *, after: tuple[datetime.date, int] | None = None, size: int = PAGE_SIZE
) -> QueuePage:
    """One page of a queue, found by where the last one ended: as quick at the end as at the start."""
    if after is not None:
        due_on, pk = after
        # The first comparison lets the index begin there; PostgreSQL does not see it in the second alone.
        queue = queue.filter(due_on__gte=due_on).filter(Q(due_on__gt=due_on) | Q(pk__gt=pk))
    found = list(queue[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return QueuePage(found[:size], (last.due_on, last.pk) if last is not None and last.due_on else None)


def counts_by_state(reports: QuerySet[Report]) -> Mapping[str, int]:
    """How many reports stand in each state."""
    rows = reports.order_by().values_list("state").annotate(Count("pk"))
    return dict(rows)


def report_of_uuid(person: Person, client_uuid: uuid.UUID, on: datetime.date) -> Report | None:
    """The report of an identifier, where the person may read it."""
    return reports_visible_to(person, on).filter(client_uuid=client_uuid).first()


def rounds_for(person: Person, at: datetime.datetime) -> QuerySet[Round]:
    """The rounds in which a person may send a report now: theirs overlaps a place where they contest."""
    receiving = Round.objects.receiving(at).select_related("territory")
    receiving = receiving.defer("territory__geometry", "territory__geometry_3857")
    held = territories_with_right(person, "contest", on=at.date())
    if not held:
        return receiving.none()
    places = places_under(held)
    if places is None:
        return receiving
    above = {pk for place in held for pk in place.ancestor_ids()}
    return receiving.filter(Q(territory__in=places) | Q(territory__in=above))


def rounds_held_by(person: Person, on: datetime.date) -> QuerySet[Round]:
    """The rounds that a release administrator plans, opens and closes."""
    rounds = Round.objects.select_related("territory").defer("territory__geometry", "territory__geometry_3857")
    held = territories_with_right(person, "release", on=on)
    if not held:
        return rounds.none()
    places = places_under(held)
    return rounds if places is None else rounds.filter(territory__in=places)


def reports_carried_by(release: Release) -> QuerySet[Report]:
    """The accepted reports whose correction stands in the map of a release."""
    kept = BoundCorrection.objects.filter(vintage=release.vintage_id).exclude(outcome=BindingOutcome.DROPPED)
    stands = Q(correction__vintage=release.vintage_id) | Q(correction__in=kept.values("correction"))
    signed = Decision.objects.filter(stands, report=OuterRef("pk"), signed_at__isnull=False)
    accepted = Report.objects.filter(
        state=ReportState.ACCEPTED, round__region=release.region_id, round__year=release.year
    )
    return accepted.filter(Exists(signed)).order_by("pk")
