"""Who may, in a consultation. Deny first: what no line here allows is refused.

Rights come from mandates (territories.permissions); the separation of duties is added here: nobody decides their own
report, and an appeal is never decided by who decided before.
"""

import datetime
from collections.abc import Iterable

from django.contrib.gis.geos import GEOSGeometry
from django.db.models import Q
from django.utils.translation import gettext as _

from bioccia.errors import NotAllowedError
from feedback.models import Report, Round
from feedback.queries.ground import share_inside
from feedback.queries.reports import READING_RIGHTS
from feedback.states import ReportState, Who
from habitats.queries.branches import about
from territories.models import Territory, User
from territories.permissions import (
    InBranch,
    Person,
    holdings_with_right,
    may,
    may_everywhere,
    territories_with_right,
)

LEAST_SHARE_INSIDE = 0.5


def places_of(person: Person, right: str, on: datetime.date) -> list[Territory]:
    """The territories where the person holds a right, for some habitats at least."""
    return territories_with_right(person, right, on=on)


def may_hold_round(person: Person, territory: Territory, on: datetime.date) -> bool:
    """Whether the person plans, opens and closes rounds of a territory."""
    return may(person, "release", territory, on=on)


def may_contest(
    person: Person, round_: Round, geometry: GEOSGeometry, on: datetime.date, types: Iterable[int | None] | None = None
) -> bool:
    """Whether at least half of a place lies in the round's territory and in those where the person contests.

    Args:
        person: who contests.
        round_: in which round.
        geometry: where (SRID 4326).
        on: the day.
        types: habitats of the place and the one proposed, for mandates that are for some habitats; None: not known yet.
    """
    is_in = None if types is None else about(lambda: types)
    held = {territory.pk for territory in territories_with_right(person, "contest", on=on, is_in=is_in)}
    if not held:
        return False
    if not held.isdisjoint(round_.territory.ancestor_ids()):
        held = {round_.territory_id}
    return share_inside(geometry, held=held, within=round_.territory_id) >= LEAST_SHARE_INSIDE


def require_contest(
    person: Person, round_: Round, geometry: GEOSGeometry, on: datetime.date, types: Iterable[int | None] | None = None
) -> None:
    """Raise NotAllowedError unless the person may contest the place in the round; `types` as in `may_contest`."""
    if may_contest(person, round_, geometry, on, types):
        return
    if types is not None and may_contest(person, round_, geometry, on):
        branches = sorted({one.branch for one in holdings_with_right(person, "contest", on=on) if one.branch})
        raise NotAllowedError(
            _("Your mandate is for the habitats %(branches)s; this report is about none of them.")
            % {"branches": ", ".join(branches)}
        )
    held = [territory.name for territory in places_of(person, "contest", on)]
    if not held:
        raise NotAllowedError(_("No mandate of yours lets you contest the map. Ask the Region for one."))
    raise NotAllowedError(
        _("Less than half of this place lies in your mandate (%(held)s) and in the round (%(round)s).")
        % {"held": ", ".join(held), "round": round_.territory.name}
    )


def may_begin(person: Person, on: datetime.date) -> bool:
    """Whether the person may begin a report at all; where, is asked when it is sent."""
    return may(person, "contest", on=on)


def may_decide(person: Person, report: Report, on: datetime.date) -> bool:
    """Whether the person triages and decides the report: never an author of it; in appeal, never who decided before."""
    if not isinstance(person, User) or has_a_part_in(person, report):
        return False
    is_in = about(report.types_concerned)
    if report.appealed_at is None:
        return _may_at_its_place(person, "decide", report, on, is_in)
    return not has_decided_before(person, report) and _may_at_its_place(person, "decide_appeal", report, on, is_in)


def require_to_give(person: User, report: Report, given: int | None, on: datetime.date) -> None:
    """Raise NotAllowedError unless a mandate lets the person give a habitat to the ground of a report they may decide.

    A mandate for some habitats gives one of these, or what takes the place of one of these.

    Args:
        person: who proposes or signs.
        report: the report.
        given: primary key of the habitat that the ground takes.
        on: the day.
    """
    right = "decide" if report.appealed_at is None else "decide_appeal"
    if not _may_at_its_place(person, right, report, on, about(lambda: {given, *report.types_seen()})):
        raise NotAllowedError(
            _("Your mandate is for some habitats, and this decision takes or gives none of them. Leave it to another.")
        )


def has_a_part_in(person: User, report: Report) -> bool:
    """Whether the person wrote the report, or one that was joined to it: the decision answers both."""
    return person.pk == report.author_id or report.merged.filter(author=person).exists()


def has_decided_before(person: User, report: Report) -> bool:
    """Whether the person proposed or signed a decision of the report before its appeal."""
    by_them = Q(proposed_by=person) | Q(signed_by=person)
    return report.decisions.filter(by_them, in_appeal=False).exists()


def may_revert(person: Person, report: Report, on: datetime.date) -> bool:
    """Whether the person undoes an accepted report."""
    return _may_at_its_place(person, "release", report, on)


def may_read(person: Person, report: Report, on: datetime.date) -> bool:
    """Whether the person reads the report and its thread: its author; those who decide there, once it was sent.

    Who decides there for some habitats reads all that is sent from there.
    """
    if not isinstance(person, User):
        return False
    if person.pk == report.author_id:
        return True
    if report.state == ReportState.DRAFT or report.submitted_at is None:
        return False
    return any(_may_at_its_place(person, right, report, on) for right in READING_RIGHTS)


def may_attach(person: Person, report: Report, on: datetime.date) -> bool:
    """Whether the person adds files to the report: its author, with a mandate in force."""
    return isinstance(person, User) and person.pk == report.author_id and may_begin(person, on)


def require_move(person: User | None, who: Who, report: Report, on: datetime.date) -> None:
    """Raise NotAllowedError unless the person is the kind of person that makes the move."""
    if not is_who(person, who, report, on):
        raise NotAllowedError(_refusal(who))


def is_who(person: User | None, who: Who, report: Report, on: datetime.date) -> bool:
    """Whether the person is that kind of person for the report; None is the clock, or a publication."""
    if who in (Who.TIMER, Who.PUBLICATION):
        return person is None
    if person is None:
        return False
    if who == Who.AUTHOR:
        return person.pk == report.author_id and person.is_active
    if who == Who.RELEASE_ADMINISTRATOR:
        return may_revert(person, report, on)
    return may_decide(person, report, on)


def _may_at_its_place(
    person: Person, right: str, report: Report, on: datetime.date, is_in: InBranch | None = None
) -> bool:
    if report.commune is None:
        return may_everywhere(person, right, on=on, is_in=is_in)
    return may(person, right, report.commune, on=on, is_in=is_in)


def _refusal(who: Who) -> str:
    sentences = {
        Who.AUTHOR: _("Only the author of the report does this."),
        Who.RELEASE_ADMINISTRATOR: _("Only a release administrator of this place does this."),
        Who.TIMER: _("Only the clock does this."),
        Who.PUBLICATION: _("Only the publication of a release does this."),
    }
    return sentences.get(
        who,
        _(
            "Only an adjudicator of this place and of its habitats does this (in appeal: the panel), never the author "
            "of the report nor, in appeal, who decided before."
        ),
    )
