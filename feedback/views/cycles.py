"""The year: where it stands, what it waits for, and the form that begins one."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import BiocciaError
from feedback import actions
from feedback.forms.cycles import StartCycleForm
from feedback.models import Cycle, CycleEntry
from feedback.states import CYCLE_ORDER, CyclePhase
from feedback.yearly_cycle import moment_of_phase, planned_calendar
from territories.models import Mandate, Region, User
from territories.permissions import SignedInRequest, may_everywhere
from territories.states import Role


@dataclass(frozen=True)
class PhaseLine:
    """One phase of a cycle, as its page shows it."""

    phase: CyclePhase
    entry: CycleEntry | None
    is_current: bool
    planned: datetime.datetime | None


@require_safe
@never_cache
def cycle_list(request: HttpRequest) -> HttpResponse:
    """Every year with its phases, the newest first."""
    return _page(request, _form(request))


def _page(request: HttpRequest, form: StartCycleForm | None, status: int = 200) -> HttpResponse:
    cycles = Cycle.objects.select_related("run", "release", "started_by", "engineer").prefetch_related("entries")
    context = {"years": [(cycle, phase_lines(cycle)) for cycle in cycles], "form": form}
    return render(request, "feedback/cycle_list.html", context, status=status)


def phase_lines(cycle: Cycle) -> list[PhaseLine]:
    """The phases of a cycle in order, without the end."""
    entries = {entry.phase: entry for entry in cycle.entries.all()}
    return [
        PhaseLine(phase, entries.get(phase), phase == cycle.phase, moment_of_phase(cycle, phase))
        for phase in CYCLE_ORDER[:-1]
    ]


def _form(request: HttpRequest) -> StartCycleForm | None:
    region = Region.objects.first()
    today = timezone.localdate()
    if region is None or not may_everywhere(request.user, "release", on=today):
        return None
    in_force = Mandate.objects.in_force(today).filter(role=Role.MODEL_ENGINEER)
    engineers = User.objects.filter(mandates__in=in_force).distinct().order_by("full_name")
    initial: dict[str, Any] = {"starts_on": today.isoformat()}
    return StartCycleForm(request.POST or None, region=region, engineers=engineers, initial=initial)


@require_POST
@login_required
def start_cycle(request: SignedInRequest) -> HttpResponse:
    """Begin a year: thresholds first, then the cycle, together or not at all."""
    region = get_object_or_404(Region)
    form = _form(request)
    if form is None or not form.is_valid():
        return _page(request, form, status=422)
    try:
        _start(region, request.user, form.cleaned_data)
    except BiocciaError as error:
        for name, sentence in error.fields.items() or [(None, str(error.detail))]:
            form.add_error(name if name in form.fields else None, str(sentence))
        return _page(request, form, status=error.status)
    messages.success(request, _("The year %(year)s has begun.") % {"year": form.cleaned_data["year"]})
    return redirect("feedback:cycle-list")


def _start(region: Region, by: User, plan: dict[str, Any]) -> None:
    now = timezone.now()
    midnight = datetime.datetime.combine(plan["starts_on"], datetime.time.min, tzinfo=timezone.get_current_timezone())
    with transaction.atomic():
        actions.fix_thresholds(
            region=region,
            year=plan["year"],
            overall_accuracy=plan["overall_accuracy"],
            macro_f1=plan["macro_f1"],
            by=by,
            at=now,
        )
        actions.start_cycle(
            region=region,
            year=plan["year"],
            by=by,
            engineer=plan["engineer"],
            at=now,
            calendar=planned_calendar(midnight),
            audit_size=plan["audit_size"],
            seed=plan["seed"],
        )
