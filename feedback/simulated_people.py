"""Invented people of the demonstration: they know the truth, err at a stated rate, and act as people do.

Everything they do follows from the seed and from what stands in the database: playing again after a crash does what
is left, in the same order, at the same moments of the simulated clock.
"""

import contextlib
import datetime
import uuid
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import shapely
from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import actions
from feedback.actions import Proposal, ReportFacts
from feedback.demo_accounts import person_of
from feedback.models import Report, ReportMove, Round
from feedback.states import DecisionResult, ErrorType, EvidenceType, ReasonCode, ReportState, RoundState
from habitats.models import HabitatType, Polygon, Vintage
from habitats.states import VintageState
from ml.compute.files import written_aside
from ml.compute.simulation.reviewing import draw_contestations, find_errors
from territories.models import Region, Territory, User
from territories.states import TerritoryKind

REVIEWERS = ("ddt", "ddt2", "ddt3")
REPORTS_A_YEAR = 150
# How often each is wrong, and what share of the reports asks for a word more from its author.
REVIEWER_ERROR_RATE = 0.10
ADJUDICATOR_ERROR_RATE = 0.02
QUESTION_SHARE = 0.08
# Of the reports of a year, those that wait for its second round.
SECOND_ROUND_SHARE = 0.2
# take, ask, answer, take again, propose, sign, and as many again where another correction came first.
MOST_MOVES_A_REPORT = 20
NAMESPACE = uuid.UUID("6f0d5a52-6d2c-5ad3-9a3c-2f9b6d1f7b10")


def chance(*words: object) -> float:
    """A number from 0 to 1 that depends on the words alone."""
    return zlib.crc32(":".join(map(str, words)).encode()) / 2**32


@dataclass(frozen=True)
class Ground:
    """A simulated year: its region, its working map, and the truth that only the invented people know."""

    region: Region
    year: int
    seed: int
    truth_dir: Path
    purpose: str = "contestations"

    @property
    def truth(self) -> Path:
        """truth_YEAR.tif."""
        return self.truth_dir / f"truth_{self.year}.tif"

    @property
    def vintage(self) -> Vintage:
        """The working map."""
        return Vintage.objects.get(region=self.region, year=self.year, state=VintageState.WORKING)

    @cached_property
    def contestations(self) -> gpd.GeoDataFrame:
        """What the reviewers of the year will say, drawn once: a correction must not change what others had seen."""
        file = settings.FILES_DIR / "simulated" / f"{self.purpose}-{self.year}.parquet"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with written_aside(file) as aside:
                self._draw().to_parquet(aside)
        return gpd.read_parquet(file)

    def _draw(self) -> gpd.GeoDataFrame:
        rows = list(self.vintage.polygons.order_by("number").values_list("number", "habitat_type__code", "geometry"))
        outlines = shapely.from_wkb([bytes(outline.wkb) for _number, _code, outline in rows])
        numbers, codes = [row[0] for row in rows], [row[1] for row in rows]
        polygons = gpd.GeoDataFrame({"number": numbers, "code": codes}, geometry=outlines, crs=4326)
        polygons = polygons.to_crs(self.region.epsg)
        errors = find_errors(self.truth, polygons)
        return draw_contestations(
            errors, polygons, count=REPORTS_A_YEAR, error_rate=REVIEWER_ERROR_RATE, seed=self.seed + self.year
        )


@dataclass(frozen=True)
class Contestation:
    """One report that a reviewer has in mind."""

    ground: Ground
    place: int
    code: str
    proposed: str
    is_right: bool
    whole: bool
    number: int
    outline: GEOSGeometry

    @property
    def client_uuid(self) -> uuid.UUID:
        """The same for the same seed, year and place in the list."""
        ground = self.ground
        return uuid.uuid5(NAMESPACE, f"{ground.region.slug}:{ground.purpose}:{ground.seed}:{ground.year}:{self.place}")

    def comes_in(self, held: Round) -> bool:
        """Whether its reviewer sends it in a round: most in the first one, each in the department of its place."""
        late = chance(self.client_uuid, "round") < SECOND_ROUND_SHARE
        return late == (held.name != "M1") and held.territory.geometry.intersects(self.outline.point_on_surface)


def contestations_of(ground: Ground) -> list[Contestation]:
    """All of a year, in order."""
    frame = ground.contestations.to_crs(4326)
    return [
        Contestation(
            ground=ground,
            place=place,
            code=row.code,
            proposed=row.proposed,
            is_right=bool(row.is_right),
            whole=bool(row.whole),
            number=int(row.number),
            outline=GEOSGeometry(memoryview(shapely.to_wkb(row.geometry)), srid=4326),
        )
        for place, row in enumerate(frame.itertuples(index=False))
    ]


def play_reviewers(ground: Ground, held: Round) -> int:
    """Have the reviewer of a round's territory send what they have seen, one report after the other.

    Returns:
        Reports sent, now or in an earlier play.
    """
    reviewer = _reviewer_of(held.territory)
    mine = [one for one in contestations_of(ground) if one.comes_in(held)]
    known = set(Report.objects.filter(round=held).values_list("client_uuid", flat=True))
    step = (held.closes_at - held.opens_at) / (len(mine) + 1)
    for rank, contestation in enumerate(mine, start=1):
        if contestation.client_uuid not in known:
            _send(contestation, held, reviewer, held.opens_at + rank * step)
    return Report.objects.filter(round=held).not_drafts().count()


def play_visitors(ground: Ground, held: Round, *, count: int, at: datetime.datetime) -> list[Report]:
    """Have reviewers of every department send a few reports, and leave them to whoever decides.

    Returns:
        The reports, in the order of the list.
    """
    mine = contestations_of(ground)[:count]
    for contestation in mine:
        place = contestation.outline.point_on_surface
        department = Territory.objects.of_kind(TerritoryKind.DEPARTMENT).containing(place).order_by("code").first()
        _send(contestation, held, _reviewer_of(department or held.territory), at)
    return list(Report.objects.filter(client_uuid__in=[one.client_uuid for one in mine]).order_by("client_uuid"))


def _reviewer_of(territory: Territory) -> User:
    """The one of the department; where there are no departments, the first."""
    departments = Territory.objects.of_kind(TerritoryKind.DEPARTMENT).order_by("code")
    order = list(departments.values_list("pk", flat=True))
    place = order.index(territory.pk) if territory.pk in order else 0
    return person_of(REVIEWERS[min(place, len(REVIEWERS) - 1)])


def _send(contestation: Contestation, held: Round, reviewer: User, at: datetime.datetime) -> None:
    polygon = Polygon.objects.filter(vintage=contestation.ground.vintage, number=contestation.number).first()
    if polygon is None or polygon.habitat_type.code == contestation.proposed:
        return  # a correction has come before them
    seen_on = datetime.date(contestation.ground.year, 6, 1 + contestation.place % 28)
    facts = ReportFacts(
        client_uuid=contestation.client_uuid,
        round=held,
        polygons=((polygon.pk, polygon.version),),
        outline=None if contestation.whole else contestation.outline,
        error_type=ErrorType.ATTRIBUTE if contestation.whole else ErrorType.BOTH,
        proposed_type=_habitat(contestation.proposed),
        comment=_("Seen on the ground: %(habitat)s.") % {"habitat": _habitat(contestation.proposed).label},
        # Never after it is sent, whatever the day on which the demonstration is played.
        observed_on=min(seen_on, timezone.localdate(at)),
        evidence_type=EvidenceType.FIELD_VISIT if contestation.place % 3 else EvidenceType.IMAGERY,
        confidence=2 + contestation.place % 2,
        declares_interest=False,
    )
    # Refused like anybody: a polygon mostly next door, or larger than one report may be.
    with contextlib.suppress(NotAllowedError, InvalidFieldsError):
        actions.submit_report(facts=facts, by=reviewer, at=at)


def _habitat(code: str) -> HabitatType:
    return HabitatType.objects.get(code=code, legend_entry__isnull=False)


def play_adjudicators(ground: Ground, at: datetime.datetime) -> int:
    """Have the adjudicators decide every report of a closed round that waits, the oldest first.

    Those of an open round wait for its close, also when a play begun again after a crash comes by earlier: what is
    decided between two reports of a round changes what the second one sees.

    Returns:
        Reports that waited.
    """
    known = {one.client_uuid: one for one in contestations_of(ground)}
    closed = Round.objects.filter(year=ground.year, region=ground.region, state=RoundState.CLOSED)
    reports = Report.objects.filter(round__in=closed)
    waiting = reports.open().count()
    # After a crash the clock goes on from the last move: corrections keep the order in which they were decided.
    last = ReportMove.objects.filter(report__in=reports).aggregate(last=Max("at"))["last"]
    moment, moves = max(at, last or at), 0
    while (report := reports.open().order_by("submitted_at", "client_uuid").first()) is not None:
        moment = max(moment, report.updated_at) + datetime.timedelta(minutes=1)
        Adjudication(report, known[report.client_uuid]).play(moment)
        moves += 1
        if moves > MOST_MOVES_A_REPORT * len(known):
            raise StateForbidsError(_("Report %(report)s goes round in circles.") % {"report": report.pk})
    return waiting


@dataclass(frozen=True)
class Adjudication:
    """One report in the hands of the adjudicators."""

    report: Report
    contestation: Contestation

    def play(self, at: datetime.datetime) -> None:
        """Make the next move of the report."""
        first, second = person_of("arbitrage"), person_of("arbitrage2")
        report = self.report
        if report.state == ReportState.NEEDS_INFO:
            answer = _("I was there in the season; the photograph shows it.")
            actions.answer_question(report=report, by=report.author, text=answer, at=at)
        elif report.state == ReportState.DECISION_PROPOSED:
            alone = not report.decisions.latest("pk").second_signature
            actions.sign_decision(report=report, by=first if alone else second, at=at)
        elif report.state == ReportState.SUBMITTED:
            actions.take_report(report=report, by=first, at=at)
        elif self._wants_to_ask():
            actions.ask_author(report=report, by=first, question=_("On which day were you there?"), at=at)
        else:
            held = actions.take_report(report=report, by=first, at=at)
            self._propose(held, first, at)

    def _propose(self, held: Report, by: User, at: datetime.datetime) -> None:
        try:
            actions.propose_decision(report=held, proposal=self.proposal(), by=by, at=at)
        except (InvalidFieldsError, StateForbidsError):  # the map cannot take this correction: too small, or done
            actions.propose_decision(report=held, proposal=self.refusal(ReasonCode.BELOW_MINIMUM_UNIT), by=by, at=at)

    def _wants_to_ask(self) -> bool:
        return chance(self.report.client_uuid, "question") < QUESTION_SHARE and not self.report.messages.exists()

    def proposal(self) -> Proposal:
        """What the adjudicator thinks: right but for one in fifty."""
        errs = chance(self.report.client_uuid, "adjudicator") < ADJUDICATOR_ERROR_RATE
        if self.contestation.is_right == errs:
            return self.refusal(ReasonCode.WITHIN_SPECIFICATION)
        whole = self.contestation.whole
        return Proposal(
            outcome=ReportState.ACCEPTED,
            result=DecisionResult.ERROR_TO_CORRECT,
            reason_code=ReasonCode.CONFUSED_HABITATS if whole else ReasonCode.MISSED_PATCH,
            reply=_("You are right: the map is corrected. Thank you."),
            to_type=self.report.proposed_type,
            outline=None if whole else self.report.geometry,
            seen=self._seen(),
        )

    def refusal(self, reason: ReasonCode) -> Proposal:
        """The map follows its specification."""
        return Proposal(
            outcome=ReportState.REJECTED_SPEC,
            result=DecisionResult.MISUNDERSTANDING,
            reason_code=reason,
            reply=_("The images of the year show the habitat of the map. Thank you for looking."),
            seen=self._seen(),
        )

    def _seen(self) -> tuple[tuple[int, int], ...]:
        numbers = self.report.polygons.values_list("number", flat=True)
        rows = Polygon.objects.filter(vintage=self.contestation.ground.vintage, number__in=list(numbers))
        return tuple(rows.order_by("number").values_list("number", "version"))
