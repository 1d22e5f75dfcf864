"""The demonstration, read from top to bottom: a region, its people, two mapping years with real workers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from feedback.demo_accounts import are_open, email_of, open_demo_accounts
from habitats.actions import publish_vintage
from habitats.importers.region_folder import import_region_folder
from habitats.models import Vintage
from habitats.states import VintageState
from ml.actions import request_run
from ml.compute.simulation import SimulationOptions, simulate_region
from ml.models import Run, RunStep
from ml.states import RunKind, RunState, StepState
from ml.tasks import ring
from territories.models import Region, User

FIRST_SIMULATED_YEAR = 2024
PLAYED_YEARS = 2
LOOK_SECONDS = 0.3
Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """Where the demonstration plays, and how it tells what happens."""

    say: Say
    folder: Path | None = None
    size_px: int = 2000
    seed: int = 1


def play_demonstration(stage: Stage) -> dict[str, Any]:
    """Play what has not been played yet: a second call only checks.

    Args:
        stage: the region folder (None: the built-in simulated region), and where to say each step.

    Returns:
        The region and its published vintages.

    Raises:
        StateForbidsError: a run failed or was stopped.
        ComputeError: the region folder is wrong.
    """
    region = _region(stage)
    if not are_open():
        open_demo_accounts(at=timezone.now())
    for year in region.years[:PLAYED_YEARS]:
        if not _published(region, year):
            _play_year(region, year, stage)
    vintages = Vintage.objects.published().order_by("year")
    return {"region": region.slug, "vintages": {vintage.year: vintage.polygon_count for vintage in vintages}}


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


def _published(region: Region, year: int) -> bool:
    return Vintage.objects.published().filter(region=region, year=year).exists()


def _play_year(region: Region, year: int, stage: Stage) -> None:
    """The engineer starts the year, the worker plays it, the administrator publishes the map."""
    working = Vintage.objects.filter(region=region, year=year, state=VintageState.WORKING).first()
    if working is None:
        _wait(_open_run(region, year), stage)
        working = Vintage.objects.get(region=region, year=year, state=VintageState.WORKING)
    publish_vintage(vintage=working, by=_person("region"), at=timezone.now())
    stage.say(f"{year}: {working.polygon_count} polygons published")


def _open_run(region: Region, year: int) -> Run:
    """The run of the year, where an earlier call left one; else a new one."""
    run = Run.objects.open().filter(region=region).first()
    if run is None:
        run = request_run(
            region=region,
            year=year,
            kind=RunKind.YEAR,
            at=timezone.now(),
            by=_person("modele"),
            parameters={"decision": "gate"},
        )
    ring(run)
    return run


def _wait(run: Run, stage: Stage) -> None:
    """Follow a run to its end, saying each step as it finishes."""
    told: set[str] = set()
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


def _person(mailbox: str) -> User:
    return User.objects.get(email=email_of(mailbox))
