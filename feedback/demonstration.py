"""The demonstration, read from top to bottom: a region, its people, two whole years on a simulated clock.

Real workers train, map and publish; invented people contest, decide, label and sign through the same actions as
anybody. A region folder without a known truth has nobody to invent: its years are mapped and wait for real people.
"""

import dataclasses
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from feedback import actions
from feedback.demo_accounts import are_open, open_demo_accounts, person_of
from feedback.models import Cycle, Release, Round
from feedback.simulated_aftermath import ask_what_reports_brought, open_trial, sentence_of_gain, tell_gain
from feedback.simulated_interpreters import play_interpreters, play_validators
from feedback.simulated_people import Ground, play_adjudicators, play_reviewers
from feedback.states import CYCLE_ORDER, CyclePhase, RoundState
from feedback.yearly_cycle import ANNUAL_CALENDAR, advance_cycle, planned_calendar
from habitats.importers.region_folder import import_region_folder
from ml.actions import requeue_run
from ml.compute.simulation import SimulationOptions, simulate_region
from ml.models import Run, RunStep
from ml.states import RunState, StepState
from ml.tasks import ring
from territories.models import Region

FIRST_SIMULATED_YEAR = 2024
PLAYED_YEARS = 2
LOOK_SECONDS = 0.3
AUDIT_POINTS = 300
# Fixed before any map of the demonstration was made.
LEAST_OVERALL_ACCURACY, LEAST_MACRO_F1 = 0.6, 0.5
# A cycle of the demonstration begins so long after the one before; the last one has just ended today.
CYCLE_DAYS = 365
# A region folder whose truth nobody knows: contested by real people, from today on.
CALENDAR_FROM_NOW: dict[str, Any] = {
    "draw_audit": 0,
    "map": 0,
    "rounds": [{"name": "M1", "opens": 0, "closes": 60, "grace": 7}],
    "prepare_release": 75,
}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """Where the demonstration plays, and how it tells what happens."""

    say: Say
    folder: Path | None = None
    size_px: int = 2000
    seed: int = 1
    today: datetime.date = dataclasses.field(default_factory=timezone.localdate)


def play_demonstration(stage: Stage) -> dict[str, Any]:
    """Play what has not been played yet: a second call only checks.

    Args:
        stage: the region folder (None: the built-in simulated region), and where to say each step.

    Returns:
        The region, its releases, and what the corrections brought.

    Raises:
        StateForbidsError: a run failed or was stopped, or a year cannot go on.
        ComputeError: the region folder is wrong.
    """
    region = _region(stage)
    if not are_open():
        open_demo_accounts(at=timezone.now())
    for rank, year in enumerate(region.years[:PLAYED_YEARS]):
        _play_year(region, year, rank, stage)
    gain = _aftermath(region, stage)
    releases = Release.objects.published().order_by("year")
    return {"region": region.slug, "releases": {str(one): one.content_sha256 for one in releases}, "gain": gain}


def _aftermath(region: Region, stage: Stage) -> dict[str, Any]:
    """What the truth says of each released year; then a round is open for whoever signs in."""
    ended = Cycle.objects.filter(region=region, is_simulated=True, phase=CyclePhase.ENDED).order_by("year")
    gains = {}
    for cycle in ended:
        gains[str(cycle.year)] = gain = tell_gain(_ground(region, cycle.year, stage))
        stage.say(f"{cycle.year}: {sentence_of_gain(gain)}")
    if last := ended.last():
        now = timezone.now()
        held = open_trial(_ground(region, last.year, stage), at=now)
        stage.say(f"{last.year}: round {held.key} is open until {held.closes_at.date()} for whoever signs in")
        if run := ask_what_reports_brought(region, year=last.year, at=now):
            stage.say(f"{last.year}: run {run.pk} measures what the reports brought, meanwhile")
    return gains


def _ground(region: Region, year: int, stage: Stage) -> Ground:
    return Ground(region=region, year=year, seed=stage.seed, truth_dir=Path(region.folder).parent / "truth")


def simulated_folder() -> Path:
    """Where the built-in region is generated."""
    return settings.FILES_DIR / "region"


def _region(stage: Stage) -> Region:
    folder = stage.folder or simulated_folder()
    if stage.folder is None and not (folder / "region.toml").exists():
        _simulate(folder, stage)
    known = Region.objects.filter(folder=str(folder.absolute())).first()
    if known is not None:
        return known
    started = time.monotonic()
    report = import_region_folder(folder, at=timezone.now())
    for notice in report.notices:
        stage.say(notice)
    counts = ", ".join(f"{count} {kind}" for kind, count in report.territories.items())
    stage.say(f"imported {report.region.name}: {counts} ({time.monotonic() - started:.0f} s)")
    return report.region


def _simulate(folder: Path, stage: Stage) -> None:
    started = time.monotonic()
    years = tuple(range(FIRST_SIMULATED_YEAR, FIRST_SIMULATED_YEAR + PLAYED_YEARS))
    options = SimulationOptions(seed=stage.seed, years=years, size_px=stage.size_px)
    simulate_region(folder, options=options, truth_dir=folder.parent / "truth")
    stage.say(f"simulated region generated, years {years[0]}-{years[-1]} ({time.monotonic() - started:.0f} s)")


def _play_year(region: Region, year: int, rank: int, stage: Stage) -> None:
    """Begin the year where nobody has, then play it to its end, or to where real people are needed."""
    ground = _ground(region, year, stage)
    cycle = Cycle.objects.filter(region=region, year=year).first()
    if cycle is None:
        cycle = _begin(region, year, rank, stage, is_simulated=ground.truth.exists())
    YearOnStage(cycle, ground, stage).play()


def _begin(region: Region, year: int, rank: int, stage: Stage, *, is_simulated: bool) -> Cycle:
    """Thresholds and the seed of the audit sample, before anything is mapped."""
    administrator = person_of("region")
    start = _start_of(region, rank, stage) if is_simulated else timezone.now()
    template = ANNUAL_CALENDAR if is_simulated else CALENDAR_FROM_NOW
    actions.fix_thresholds(
        region=region,
        year=year,
        overall_accuracy=LEAST_OVERALL_ACCURACY,
        macro_f1=LEAST_MACRO_F1,
        by=administrator,
        at=start,
    )
    return actions.start_cycle(
        region=region,
        year=year,
        by=administrator,
        engineer=person_of("modele"),
        at=start,
        calendar=planned_calendar(start, template),
        audit_size=AUDIT_POINTS,
        seed=stage.seed * 10_000 + year,
        is_simulated=is_simulated,
    )


def _start_of(region: Region, rank: int, stage: Stage) -> datetime.datetime:
    """Midnight, a whole cycle before the next one: the same day gives the same moments."""
    cycles = min(PLAYED_YEARS, len(region.years))
    day = stage.today - datetime.timedelta(days=CYCLE_DAYS * (cycles - rank))
    return datetime.datetime.combine(day, datetime.time.min, tzinfo=timezone.get_current_timezone())


class YearOnStage:
    """One cycle, its clock, and who acts in each phase."""

    def __init__(self, cycle: Cycle, ground: Ground, stage: Stage) -> None:
        self.cycle = cycle
        self.ground = ground
        self.stage = stage
        played = dict(cycle.entries.values_list("phase", "finished_at"))
        # Played again after a crash, the clock stands where it stood.
        self.clock = max([cycle.started_at, *played.values()])
        self.told = set(played)
        self.acts: dict[str, Callable[[], None]] = {
            CyclePhase.DRAW_AUDIT: self._validate_releves,
            CyclePhase.MAP: self._follow_the_map,
            CyclePhase.HOLD_ROUNDS: self._hold_rounds,
            CyclePhase.FINISH_DECISIONS: self._decide,
            CyclePhase.OPEN_AUDIT: self._label,
            CyclePhase.COLLECT_SIGNATURES: self._sign,
            CyclePhase.PUBLISH: self._follow_the_publication,
        }

    def play(self) -> None:
        """Advance the cycle and have people act, in turn, until it ends or real people are needed.

        Raises:
            StateForbidsError: a run failed, or the cycle waits for something that nobody here can do.
        """
        seen: list[tuple[str, str, datetime.datetime]] = []
        while True:
            self._advance()
            if self.cycle.phase == CyclePhase.ENDED or self._needs_real_people():
                return
            stand = (self.cycle.phase, self.cycle.waits_for, self.clock)
            if seen.count(stand) > 1:
                raise StateForbidsError(
                    _("The year %(year)s cannot go on: it waits for %(what)s.")
                    % {"year": self.cycle.year, "what": self.cycle.waits_for}
                )
            seen.append(stand)
            self.acts.get(self.cycle.phase, lambda: None)()

    def _advance(self) -> None:
        self.cycle = advance_cycle(self.cycle.pk, at=self.clock)
        for entry in self.cycle.entries.all():
            if entry.phase not in self.told:
                self.told.add(entry.phase)
                self._say(f"{entry.get_phase_display()}: {entry.note}")

    def _needs_real_people(self) -> bool:
        """Without a known truth, nobody invented can contest: the beat goes on with the cycle when people have."""
        reached = CYCLE_ORDER.index(CyclePhase(self.cycle.phase)) >= CYCLE_ORDER.index(CyclePhase.HOLD_ROUNDS)
        if reached and not self.ground.truth.exists():
            self._say(f"{self.cycle.get_phase_display()}: {self.cycle.waits_for}")
            return True
        return False

    def _validate_releves(self) -> None:
        """Invented validators judge invented relevés only: what a real folder brought in waits for real people."""
        if self.ground.truth.exists() and (count := play_validators(self.ground, self.clock)):
            self._say(f"{count} relevés validated")

    def _follow_the_map(self) -> None:
        self._validate_releves()
        self._move_clock(self.cycle.calendar["map"])
        if self.cycle.run is not None:
            _wait(self.cycle.run, self.stage)

    def _hold_rounds(self) -> None:
        """Each round is contested while it is open, and decided once it is closed."""
        for row in self.cycle.calendar["rounds"]:
            if self.clock < datetime.datetime.fromisoformat(row["opens"]):
                self._move_clock(row["opens"])
                return
            held = Round.objects.filter(year=self.cycle.year, name=row["name"], state=RoundState.OPEN).order_by("key")
            if held:
                sent = sum(play_reviewers(self.ground, one) for one in held)
                self._say(f"{row['name']}: {sent} reports")
                self._move_clock(row["closes"])
                return
            self._move_clock(row["closes"])
            self._decide()

    def _decide(self) -> None:
        if decided := play_adjudicators(self.ground, self.clock):
            self._say(f"{decided} reports decided")

    def _label(self) -> None:
        labels = play_interpreters(self.ground, self.clock)
        self._say(f"{labels} labels given blind to the points of the audit sample")
        self._move_clock(self.cycle.calendar["prepare_release"])

    def _sign(self) -> None:
        release = Release.objects.under_way().get(region=self.cycle.region, year=self.cycle.year)
        signed = set(release.signatures.values_list("signer", flat=True))
        for rank, mailbox in enumerate(("region", "region2"), start=1):
            signer = person_of(mailbox)
            if signer.pk not in signed:
                moment = release.prepared_at + datetime.timedelta(days=rank)
                actions.sign_dossier(release=release, by=signer, dossier_sha256=release.dossier_sha256, at=moment)
                self.clock = max(self.clock, moment)

    def _follow_the_publication(self) -> None:
        release = self.cycle.release
        if release is not None and release.run is not None:
            _wait(release.run, self.stage)

    def _move_clock(self, moment: str) -> None:
        self.clock = max(self.clock, datetime.datetime.fromisoformat(moment))

    def _say(self, sentence: str) -> None:
        self.stage.say(f"{self.cycle.year}: {sentence}")


def _wait(run: Run, stage: Stage) -> None:
    """Follow a run to its end, saying each step as it finishes; one that an earlier play saw fail is tried again."""
    told: set[str] = set()
    run.refresh_from_db()
    if run.state in (RunState.FAILED, RunState.STOPPED) and run.requested_by is not None:
        ring(requeue_run(run=run, by=run.requested_by, at=timezone.now()))
    while True:
        run.refresh_from_db()
        for step in RunStep.objects.filter(run=run, state=StepState.FINISHED):
            if step.name not in told:
                told.add(step.name)
                stage.say(f"{run.year}: {step.name} ({step.seconds:.1f} s)")
        if run.state == RunState.FINISHED:
            return
        if run.state in (RunState.FAILED, RunState.STOPPED, RunState.AWAITING_DECISION):
            raise StateForbidsError(
                _("Run %(run)s is %(state)s. %(failure)s")
                % {"run": run.pk, "state": run.get_state_display(), "failure": run.failure}
            )
        time.sleep(LOOK_SECONDS)
