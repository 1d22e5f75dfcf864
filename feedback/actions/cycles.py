"""Every write about yearly cycles."""

import datetime
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, StateForbidsError
from feedback.models import Cycle, CycleEntry
from feedback.states import CYCLE_ORDER, CyclePhase
from territories.models import Region, User
from territories.permissions import require_everywhere

logger = structlog.get_logger(__name__)
FEWEST_AUDIT_POINTS = 30
LARGEST_SEED = 2**31 - 1


def start_cycle(*, region: Region, year: int, by: User, engineer: User, at: datetime.datetime, **plan: Any) -> Cycle:
    """Begin the mapping year: from now on the beat plays what is due, and says whom it waits for.

    Args:
        region: the region.
        year: one of its years with a stack.
        by: a release administrator, in whose name the audit sample is drawn and the dossier prepared.
        engineer: who asks for the mapping run.
        at: the moment.
        **plan: `calendar` (of `planned_calendar`), `audit_size`, `seed`, `is_simulated`.

    Raises:
        NotAllowedError: `by` has no `release`, or the engineer no `run_models`, on the whole region.
        InvalidFieldsError: no stack for the year, or too few audit points.
        StateForbidsError: the year has a cycle.
    """
    require_everywhere(by, "release", on=at.date())
    require_everywhere(engineer, "run_models", on=at.date())
    _check_plan(region, year, plan)
    try:
        with transaction.atomic():
            cycle = Cycle.objects.create(
                region=region, year=year, started_by=by, engineer=engineer, started_at=at, **plan
            )
    except IntegrityError as error:
        raise StateForbidsError(
            _("The year %(year)s has its cycle already: open its page.") % {"year": year}
        ) from error
    logger.info("cycle started", year=year, by=by.pk)
    return cycle


def _check_plan(region: Region, year: int, plan: Mapping[str, Any]) -> None:
    fields: dict[str, Any] = {}
    if year not in region.years:
        fields["year"] = _("There is no stack for %(year)s: add it to the region folder and import it again.") % {
            "year": year
        }
    if plan["audit_size"] < FEWEST_AUDIT_POINTS:
        fields["audit_size"] = _("Draw at least %(count)s points: fewer say nothing of any habitat.") % {
            "count": FEWEST_AUDIT_POINTS
        }
    if not 0 <= plan["seed"] <= LARGEST_SEED:
        fields["seed"] = _("Give a whole number from 0 to %(largest)s.") % {"largest": LARGEST_SEED}
    if fields:
        raise InvalidFieldsError(" ".join(str(sentence) for sentence in fields.values()), fields=fields)


def finish_phase(*, cycle: Cycle, at: datetime.datetime, note: str = "") -> None:
    """Pass to the next phase, once; the caller holds the row."""
    CycleEntry.objects.create(cycle=cycle, phase=cycle.phase, finished_at=at, note=note[:500])
    cycle.phase = CYCLE_ORDER[CYCLE_ORDER.index(CyclePhase(cycle.phase)) + 1]
    cycle.waits_for = ""
    if cycle.phase == CyclePhase.ENDED:
        cycle.ended_at = at
    cycle.save(update_fields=["phase", "waits_for", "ended_at"])
    logger.info("cycle advanced", year=cycle.year, phase=cycle.phase)


def note_waiting(*, cycle: Cycle, sentence: str) -> None:
    """Say whom or what the cycle waits for; the caller holds the row."""
    if cycle.waits_for != sentence[:300]:
        cycle.waits_for = sentence[:300]
        cycle.save(update_fields=["waits_for"])


def attach_run(*, cycle: Cycle, run: Any) -> None:
    """Keep which run maps the year; the caller holds the row."""
    cycle.run = run
    cycle.save(update_fields=["run"])


def attach_release(*, cycle: Cycle, release: Any) -> None:
    """Keep which release ends the year; the caller holds the row."""
    cycle.release = release
    cycle.save(update_fields=["release"])
