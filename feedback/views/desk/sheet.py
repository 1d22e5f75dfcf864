"""What the page of one report shows, and what the person before it may do."""

import datetime
import json
from collections.abc import Iterable
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from feedback.models import Decision, Report, ReportPolygon
from feedback.permissions import may_decide, may_revert
from feedback.queries.effects import effect_of
from feedback.queries.ground import near_duplicates
from feedback.queries.reports import reports_visible_to
from feedback.queries.surroundings import (
    AROUND_M,
    Change,
    Neighbour,
    OtherYear,
    changes_to,
    contested_polygons,
    corrections_at,
    neighbours,
    other_years,
    pieces_decided,
    pieces_under,
    reports_around,
    sample_counts_around,
)
from feedback.states import ALL_MOVES, MessageKind, ReportState, SecondSignature
from feedback.views.desk.queue import is_held, is_late
from feedback.views.tags import tag_of_report
from habitats.models import Polygon
from habitats.states import Stake
from territories.models import User

MOST_CORRECTIONS = 20
M2_PER_HA = 10_000


class DeskSheet:
    """One report as the desk shows it; each fact is read once, when the template asks for it."""

    around_m = AROUND_M

    def __init__(self, report: Report, person: User, now: datetime.datetime) -> None:
        self.report = report
        self.person = person
        self.now = now
        self.today = timezone.localdate(now)

    # What may be done.

    @cached_property
    def is_author(self) -> bool:
        """Whether the person sent the report: then they never decide it."""
        return self.report.author_id == self.person.pk

    @cached_property
    def may_decide(self) -> bool:
        """Whether the person may decide this report at all."""
        return may_decide(self.person, self.report, self.today)

    @property
    def is_held(self) -> bool:
        """Whether somebody holds the report now."""
        return is_held(self.report, self.now)

    @property
    def is_mine(self) -> bool:
        """Whether the person holds it; a lock that ran out still holds as long as nobody else took the report."""
        return self.report.locked_by_id == self.person.pk

    @property
    def can_take(self) -> bool:
        """Whether the person may take it from the queue, or take it over from somebody whose time has passed."""
        if self.is_mine or self.is_held or not self.may_decide:
            return False
        return self._allows("take") or self._allows("take_over")

    @property
    def can_propose(self) -> bool:
        """Whether the decision form is open."""
        return self._allows("propose") and self.is_mine and self.may_decide

    @property
    def can_ask(self) -> bool:
        """Whether the holder may ask the author or send the report to the field."""
        return self._allows("ask") and self.can_propose

    @property
    def can_sign(self) -> bool:
        """Whether the person may sign the proposal: never their own where a second signature is needed."""
        if not self._allows("sign") or self.proposal is None or not self.may_decide:
            return False
        return self.proposal.proposed_by_id != self.person.pk or not self.proposal.second_signature

    @property
    def can_merge(self) -> bool:
        """Whether the person may join the report to another."""
        return self._allows("merge") and self.may_decide and (self.is_mine or not self.is_held)

    @property
    def can_revert(self) -> bool:
        """Whether the person may take an accepted correction back."""
        return self._allows("revert") and may_revert(self.person, self.report, self.today)

    def _allows(self, move: str) -> bool:
        return self.report.state in ALL_MOVES[move].sources

    # What is said of the report.

    @property
    def tag(self) -> str:
        """The kind of tag of its state."""
        return tag_of_report(self.report.state)

    @property
    def is_late(self) -> bool:
        """Whether its answer is due."""
        return is_late(self.report, self.today)

    @property
    def stake(self) -> Any:
        """The highest stake of what is seen and proposed; None where the legend gives none."""
        return Stake(self.report.stake) if self.report.stake else None

    @cached_property
    def decisions(self) -> list[Decision]:
        """Every proposal, the earliest first."""
        named = ("to_type", "proposed_by", "signed_by")
        return list(self.report.decisions.select_related(*named).order_by("proposed_at", "pk"))

    @cached_property
    def proposal(self) -> Decision | None:
        """The proposal that waits for its signature."""
        waiting = [each for each in self.decisions if each.signed_at is None and each.sent_back_at is None]
        return waiting[-1] if waiting else None

    @property
    def last_decision(self) -> Decision | None:
        """The decision that stands."""
        signed = [each for each in self.decisions if each.signed_at is not None]
        return signed[-1] if signed else None

    @property
    def is_appeal(self) -> bool:
        """Whether the panel decides, after a decision that was contested."""
        return self.report.appealed_at is not None

    @property
    def contested_decision(self) -> Decision | None:
        """The decision that the appeal is against."""
        before = [each for each in self.decisions if each.signed_at is not None and not each.in_appeal]
        return before[-1] if before else None

    @property
    def new_evidence(self) -> list[Any]:
        """What the author brought with the appeal."""
        return [message for message in self.report.messages.all() if message.kind == MessageKind.EVIDENCE]

    # What the map shows there.

    @cached_property
    def contested(self) -> list[Polygon]:
        """The contested polygons as they are now."""
        return contested_polygons(self.report)

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """Each contested polygon as its author saw it, and as it is now."""
        by_number = {polygon.number: polygon for polygon in self.contested}
        return [self._line(line, by_number.get(line.number)) for line in self.report.polygons.all()]

    def _line(self, line: ReportPolygon, polygon: Polygon | None) -> dict[str, Any]:
        changed = polygon is None or polygon.version != line.version_seen
        return {"seen": line, "polygon": polygon, "changed": changed}

    @cached_property
    def covered(self) -> list[Any]:
        """What the author's outline covers, polygon by polygon."""
        outline = self.report.geometry if self.report.is_drawn else None
        return pieces_under(self.report, outline) if outline is not None else []

    @cached_property
    def neighbours(self) -> list[Neighbour]:
        """What lies beside."""
        return neighbours(self.report, self.contested)

    @cached_property
    def other_years(self) -> list[OtherYear]:
        """What other vintages show."""
        return other_years(self.report, self.person, on=self.today)

    @cached_property
    def samples(self) -> list[dict]:
        """Reference samples around, by habitat."""
        return sample_counts_around(self.report, self.person, on=self.today)

    @cached_property
    def visible(self) -> Any:
        """The reports that the person may read."""
        return reports_visible_to(self.person, self.today)

    @cached_property
    def around(self) -> list[Report]:
        """Other reports nearby."""
        return reports_around(self.report, self.visible)

    @cached_property
    def duplicates(self) -> list[Report]:
        """Reports that may say the same."""
        return list(near_duplicates(self.report))

    @cached_property
    def effects(self) -> list[Change]:
        """What the proposal would change, by habitat."""
        proposal = self.proposal
        if proposal is None or proposal.to_type is None or proposal.outcome != ReportState.ACCEPTED:
            return []
        return changes_to(proposal.to_type, pieces_decided(self.report, proposal.outline))

    @cached_property
    def changes_made(self) -> list[Change]:
        """What the report changed on the map."""
        changes = effect_of(self.report).changes
        return [Change(each.from_type, each.to_type, each.hectares * M2_PER_HA) for each in changes if each.from_type]

    @property
    def changes_back(self) -> list[Change]:
        """What taking the correction back would change."""
        return [Change(each.to_type, each.from_type, each.area_m2) for each in self.changes_made]

    @property
    def signature_reasons(self) -> list[str]:
        """Why the proposal needs a second signature, as people read it."""
        return reasons_in_words(self.proposal.second_signature) if self.proposal else []

    @cached_property
    def corrections(self) -> list[tuple[int, str]]:
        """What a report already corrected may name."""
        if self.report.vintage_id is None or self.report.geometry is None:
            return []
        found = corrections_at(self.report)[:MOST_CORRECTIONS]
        return [(each.pk, f"{date_format(each.decided_at, 'SHORT_DATE_FORMAT')} – {each.to_type}") for each in found]

    @property
    def seen(self) -> str:
        """Number and version of every polygon that the page shows, as the form sends them back."""
        shown = {polygon.number: polygon.version for polygon in self.contested}
        shown |= {each.polygon.number: each.polygon.version for each in [*self.covered, *self.neighbours]}
        return json.dumps(sorted(shown.items()))

    @property
    def chips_url(self) -> str:
        """The images of the place by date; empty without a place."""
        if self.report.geometry is None:
            return ""
        middle = self.report.geometry.point_on_surface
        asked = {"year": self.report.round.year, "lon": f"{middle.x:.6f}", "lat": f"{middle.y:.6f}"}
        if self.contested:
            asked["polygon"] = self.contested[0].pk
        return f"{reverse('habitats:chips')}?{urlencode(asked)}"


def reasons_in_words(reasons: Iterable[str]) -> list[str]:
    """Why a second signature is needed, as people read it."""
    return [str(SecondSignature(reason).label) for reason in reasons]


def what_moved(seen: tuple[tuple[int, int], ...], report: Report) -> list[dict[str, Any]]:
    """The polygons whose version is no longer the one that the page showed."""
    shown = dict(seen)
    now = Polygon.objects.filter(vintage=report.vintage_id, number__in=shown).select_related("habitat_type")
    versions = {polygon.number: polygon for polygon in now.defer("geometry", "geometry_3857")}
    return [
        {"number": number, "version": version, "polygon": versions.get(number)}
        for number, version in shown.items()
        if number not in versions or versions[number].version != version
    ]
