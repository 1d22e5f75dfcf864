"""Pages of runs: the list, one run, its live progress, and what people may ask of it."""

import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from bioccia.errors import BiocciaError, InvalidFieldsError
from ml import actions, tasks
from ml.forms import StartYearForm
from ml.models import Run
from ml.queries import may_follow_runs, runs_visible_to, versions_visible_to
from ml.states import ENGINEERS_RIGHT, RIGHT_OF_KIND, RunKind, RunState
from ml.views.progress import RunProgress
from territories.models import Region
from territories.permissions import SignedInRequest, may

RUNS_PER_PAGE = 20


@require_GET
@never_cache
def run_list(request: HttpRequest) -> HttpResponse:
    """Runs, the newest first, with the form that starts a year for those who may."""
    return _list_page(request, _start_form(request))


def _list_page(request: HttpRequest, form: StartYearForm | None, status: int = 200) -> HttpResponse:
    now = timezone.now()
    page = Paginator(runs_visible_to(request.user, _day(now)), RUNS_PER_PAGE).get_page(request.GET.get("page"))
    lines = [RunProgress(run, now) for run in page]
    context = {
        "page": page,
        "lines": lines,
        "open": next((line for line in lines if line.is_open), None),
        "form": form,
        "follows_runs": may_follow_runs(request.user, _day(now)),
    }
    return render(request, "ml/run_list.html", context, status=status)


def _start_form(request: HttpRequest) -> StartYearForm | None:
    region = Region.objects.first()
    if region is None or not may(request.user, "run_models", on=timezone.localdate()):
        return None
    return StartYearForm(request.POST or None, region=region)


@require_POST
@login_required
def start_run(request: SignedInRequest) -> HttpResponse:
    """Ask for a mapping year."""
    region = get_object_or_404(Region)
    form = StartYearForm(request.POST, region=region)
    if not form.is_valid():
        return _list_page(request, form, status=422)
    try:
        run = actions.request_run(
            region=region, kind=RunKind.YEAR, by=request.user, at=timezone.now(), **form.options()
        )
    except InvalidFieldsError as error:
        for name, sentence in error.fields.items():
            form.add_error(name if name in form.fields else None, sentence)
        return _list_page(request, form, status=error.status)
    except BiocciaError as error:
        form.add_error(None, str(error.detail))
        return _list_page(request, form, status=error.status)
    tasks.ring(run)
    messages.success(request, _("The year %(year)s waits for a worker.") % {"year": run.year})
    return redirect("ml:run", pk=run.pk)


@require_GET
@never_cache
def run_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: steps, durations, energy, and what may be asked of it."""
    return render(request, "ml/run.html", _run_context(request, pk))


@require_GET
@never_cache
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that moves; the buttons come along when the state has changed since `?state=`."""
    context = _run_context(request, pk)
    context["brief"] = "brief" in request.GET
    context["with_actions"] = request.GET.get("state") != context["run"].state
    return render(request, "ml/_run_progress_answer.html", context)


def _run_context(request: HttpRequest, pk: int) -> dict:
    now = timezone.now()
    run = get_object_or_404(runs_visible_to(request.user, _day(now)), pk=pk)
    may_run = may(request.user, "run_models", on=_day(now))
    return {
        "run": run,
        "progress": RunProgress(run, now),
        "follows_runs": may_follow_runs(request.user, _day(now)),
        "may_see_version": run.version in versions_visible_to(request.user, _day(now)),
        "may_requeue": may(request.user, RIGHT_OF_KIND.get(run.kind, ENGINEERS_RIGHT), on=_day(now)),
        "may_stop": may_run or may(request.user, "stop_runs", on=_day(now)),
    }


@require_POST
@login_required
def stop_run(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ask a run to stop."""
    run = get_object_or_404(Run, pk=pk)
    asked = actions.request_stop(run=run, by=request.user, at=timezone.now())
    if asked.state == RunState.STOPPED:
        messages.success(request, _("The run is stopped; the steps it finished are kept."))
    else:
        messages.success(request, _("The run stops at its next window; the steps it finished are kept."))
    return redirect("ml:run", pk=pk)


@require_POST
@login_required
def requeue_run(request: SignedInRequest, pk: int) -> HttpResponse:
    """Start a failed or stopped run again."""
    run = actions.requeue_run(run=get_object_or_404(Run, pk=pk), by=request.user, at=timezone.now())
    tasks.ring(run)
    messages.success(request, _("The run waits for a worker; the steps it had finished are not done again."))
    return redirect("ml:run", pk=pk)


def _day(moment: datetime.datetime) -> datetime.date:
    return timezone.localdate(moment)
