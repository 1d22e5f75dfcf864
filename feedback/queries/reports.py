"""Which reports a person reads, which wait at the desk, and which a release carries."""

import datetime
from collections.abc import Mapping

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from feedback.models import Decision, Release, Report, Round
from feedback.models.reports import ReportPolygon, ReportQuerySet
from feedback.states import OPEN_STATES, ReportState
from habitats.models import BoundCorrection
from habitats.queries.branches import types_in_branch
from habitats.states import BindingOutcome
from territories.models import Territory, User
from territories.permissions import Person, holdings_with_right, territories_with_right
from territories.queries import keys_under
from territories.states import TerritoryKind

# Rights whose holders read the reports of others.
READING_RIGHTS = ("decide", "decide_appeal", "release")


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


def queue_of(person: Person, on: datetime.date) -> ReportQuerySet:
    """The open reports that a person may decide, first due first; appeals are for the panel, the others not.

    A report of the person's own, or that one of theirs was joined to, is not among them.
    """
    reports = reports_for_lists().filter(state__in=OPEN_STATES)
    if not isinstance(person, User):
        return reports.none()
    joined = Report.objects.filter(master=OuterRef("pk"), author=person)
    return reports.exclude(author=person).filter(~Exists(joined), _decided_by(person, on)).ordered_for_desk()


def _decided_by(person: User, on: datetime.date) -> Q:
    """As feedback.permissions.may_decide, asked of many rows at once."""
    first, panel = _theirs(person, "decide", on), _theirs(person, "decide_appeal", on)
    decided = Decision.objects.filter(report=OuterRef("pk"), in_appeal=False)
    by_them = decided.filter(Q(proposed_by=person) | Q(signed_by=person))
    return (Q(appealed_at=None) & first) | (Q(appealed_at__isnull=False) & panel & ~Q(Exists(by_them)))


def _theirs(person: User, right: str, on: datetime.date) -> Q:
    """Where the person holds a right; where a mandate is for some habitats, the reports about one of them."""
    held = holdings_with_right(person, right, on=on)
    places = places_under([one.territory for one in held if not one.branch])
    if places is None:
        return Q()
    found = _at(places)
    for branch in sorted({one.branch for one in held if one.branch}):
        types = types_in_branch(branch)
        seen = ReportPolygon.objects.filter(report=OuterRef("pk"), type_seen__in=types)
        there = _at(places_under([one.territory for one in held if one.branch == branch]))
        found |= there & (Q(proposed_type__in=types) | Q(Exists(seen)))
    return found


def _at(places: list[int] | None) -> Q:
    return Q() if places is None else Q(commune__in=places)


def counts_by_state(reports: QuerySet[Report]) -> Mapping[str, int]:
    """How many reports stand in each state."""
    rows = reports.order_by().values_list("state").annotate(Count("pk"))
    return dict(rows)


def rounds_for(person: Person, at: datetime.datetime) -> QuerySet[Round]:
    """The rounds in which a person may send a report now: theirs overlaps a place where they contest."""
    receiving = Round.objects.receiving(at).select_related("territory")
    receiving = receiving.defer("territory__geometry", "territory__geometry_3857")
    held = territories_with_right(person, "contest", on=timezone.localdate(at))
    if not held:
        return receiving.none()
    places = places_under(held)
    if places is None:
        return receiving
    above = {pk for place in held for pk in place.ancestor_ids()}
    return receiving.filter(Q(territory__in=places) | Q(territory__in=above))


def reports_carried_by(release: Release) -> QuerySet[Report]:
    """The accepted reports whose correction stands in the map of a release."""
    kept = BoundCorrection.objects.filter(vintage=release.vintage_id).exclude(outcome=BindingOutcome.DROPPED)
    stands = Q(correction__vintage=release.vintage_id) | Q(correction__in=kept.values("correction"))
    signed = Decision.objects.filter(stands, report=OuterRef("pk"), signed_at__isnull=False)
    accepted = Report.objects.filter(
        state=ReportState.ACCEPTED, round__region=release.region_id, round__year=release.year
    )
    return accepted.filter(Exists(signed)).order_by("pk")
