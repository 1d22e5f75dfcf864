"""What the demonstration leaves behind: what the truth says, and something to do for whoever signs in."""

import dataclasses
import datetime
import json
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from feedback import actions
from feedback.demo_accounts import person_of
from feedback.models import Release, Report, Round
from feedback.simulated_gain import measure_gain
from feedback.simulated_people import Adjudication, Ground, contestations_of, play_visitors
from ml.actions import request_run
from ml.compute.files import written_aside
from ml.models import Run
from ml.states import RunKind
from ml.tasks import ring
from territories.models import Region, Territory
from territories.states import TerritoryKind

OPEN_DAYS = 60
LIVE_ROUND = "essai"
REPORTS_LEFT = 8


def tell_gain(ground: Ground) -> dict[str, Any]:
    """What the truth says of a released year: measured once, kept in a file, told again at will."""
    file = settings.FILES_DIR / "simulated" / f"gain-{ground.year}.json"
    if not file.exists():
        release = Release.objects.published().get(region=ground.region, year=ground.year)
        with written_aside(file) as aside:
            aside.write_text(json.dumps(measure_gain(ground, release).as_json()))
    return json.loads(file.read_text())


def sentence_of_gain(gain: dict[str, Any]) -> str:
    """In words, for whoever watches the demonstration."""
    words = _("the truth says: %(drawn).1f %% of the cells right as drawn, %(released).1f %% as released") % {
        "drawn": 100 * gain["drawn"],
        "released": 100 * gain["released"],
    }
    if gain["without_reports"] is None:
        return words
    return _("%(words)s; %(without).1f %% had the model not known the reports of the year before") % {
        "words": words,
        "without": 100 * gain["without_reports"],
    }


def open_trial(ground: Ground, *, at: datetime.datetime) -> Round:
    """Open an erratum of the last release and a round that whoever signs in may use, with a few reports under way."""
    key = f"{ground.year}-{LIVE_ROUND}"
    known = Round.objects.filter(key=key).first()
    if known is not None:
        return known
    administrator = person_of("region")
    closes_at = at + datetime.timedelta(days=OPEN_DAYS)
    release = Release.objects.published().get(region=ground.region, year=ground.year)
    with transaction.atomic():
        actions.open_erratum(release=release, by=administrator, at=at)
        held = actions.plan_round(
            key=key,
            year=ground.year,
            region=ground.region,
            territory=_whole(ground.region),
            name=_("Trial"),
            opens_at=at,
            closes_at=closes_at,
            grace_ends_at=closes_at,  # whoever closes it goes on to the dossier at once
            by=administrator,
            at=at,
        )
        held = actions.open_round(round=held, by=administrator, at=at)
        trial = dataclasses.replace(ground, purpose=LIVE_ROUND, seed=ground.seed + 1)
        reports = play_visitors(trial, held, count=REPORTS_LEFT, at=at)
        _begin_some(trial, reports, at)
    return held


def _whole(region: Region) -> Territory:
    """The widest territory there is."""
    for kind in TerritoryKind:
        if territory := Territory.objects.of_kind(kind).order_by("code").first():
            return territory
    raise StateForbidsError(_("The region %(region)s has no territory to consult.") % {"region": region})


def _begin_some(ground: Ground, reports: list[Report], at: datetime.datetime) -> None:
    """One question is asked, three proposals wait for a signature; the others wait at the desk."""
    known = {one.client_uuid: one for one in contestations_of(ground)}
    arbiter = person_of("arbitrage")
    for rank, report in enumerate(reports[:4]):
        taken = actions.take_report(report=report, by=arbiter, at=at)
        if rank == 0:
            actions.ask_author(report=taken, by=arbiter, question=_("On which day were you there?"), at=at)
        else:
            proposal = Adjudication(taken, known[taken.client_uuid]).proposal()
            actions.propose_decision(report=taken, proposal=proposal, by=arbiter, at=at)


def ask_what_reports_brought(region: Region, *, year: int, at: datetime.datetime) -> Run | None:
    """Have the worker train with and without the reports of the year before, once."""
    if Run.objects.filter(region=region, kind=RunKind.ABLATION).exists() or Run.objects.open().exists():
        return None
    release = Release.objects.published().select_related("vintage__version").get(region=region, year=year)
    run = request_run(
        region=region,
        year=year,
        kind=RunKind.ABLATION,
        at=at,
        by=person_of("modele"),
        parameters={"version": release.vintage.version_id},
    )
    ring(run)
    return run
