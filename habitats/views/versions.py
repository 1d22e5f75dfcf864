"""Model versions: the list, the page of one, the decision on a candidate, two side by side."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import BiocciaError
from habitats.forms.versions import DecisionForm, VersionPairForm
from habitats.queries import vintages_visible_to
from habitats.views.learned_from_reports import LearnedFromReports
from habitats.views.scorecard import Scorecard, parameter_lines, side_by_side
from habitats.views.training_counts import count_lines
from ml import actions, tasks
from ml.models import ModelVersion
from ml.queries import may_follow_runs, runs_visible_to, versions_visible_to
from ml.states import RunState, VersionState
from territories.permissions import SignedInRequest, may

PER_PAGE = 30
STATE_TAGS = {VersionState.CANDIDATE: "wait", VersionState.APPROVED: "good", VersionState.REJECTED: "bad"}


@require_safe
@never_cache
def version_list(request: HttpRequest) -> HttpResponse:
    """Versions, the newest first."""
    visible = _visible(request)
    page = Paginator(visible, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "current": ModelVersion.objects.current(),
        "rows": [{"version": version, "tag": STATE_TAGS[VersionState(version.state)]} for version in page],
        "pair_form": _pair_form(visible),
    }
    return render(request, "habitats/version_list.html", context)


def _pair_form(visible: Any) -> VersionPairForm | None:
    """Two different versions chosen beforehand; nothing to compare where there is but one."""
    newest = list(visible[:2])
    if len(newest) == 2:
        return VersionPairForm(visible=visible, initial={"left": newest[0], "right": newest[1]})
    return None


@require_safe
@never_cache
def version_page(request: HttpRequest, number: int) -> HttpResponse:
    """One version: scores, card, what it learned from, what was made with it."""
    version = get_object_or_404(_visible(request), number=number)
    form = DecisionForm() if _may_decide(request, version) else None
    return _page(request, version, form)


def _page(request: HttpRequest, version: ModelVersion, form: DecisionForm | None, status: int = 200) -> HttpResponse:
    today = timezone.localdate()
    context: dict[str, Any] = {
        "version": version,
        "tag": STATE_TAGS[VersionState(version.state)],
        "is_current": version == ModelVersion.objects.current(),
        "scorecard": Scorecard(version),
        "parameters": parameter_lines(version.parameters),
        "counts": count_lines(version.training_set.counts),
        "reports": LearnedFromReports(version, request),
        "vintages": vintages_visible_to(request.user, on=today).filter(version=version),
        "runs": runs_visible_to(request.user, today).filter(version=version),
        "others": _visible(request).exclude(pk=version.pk),
        "follows_runs": may_follow_runs(request.user, today),
        "form": form,
    }
    return render(request, "habitats/version.html", context, status=status)


@require_POST
@login_required
def decide_version(request: SignedInRequest, number: int) -> HttpResponse:
    """Approve or reject a candidate; an approved one wakes the run that waited for it."""
    version = get_object_or_404(_visible(request), number=number)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, version, form, status=422)
    decide = actions.approve_version if form.cleaned_data["decision"] == "approve" else actions.reject_version
    try:
        decided = decide(version=version, by=request.user, reason=form.cleaned_data["reason"], at=timezone.now())
    except BiocciaError as error:
        version.refresh_from_db()
        form.add_error(None, str(error.detail))
        return _page(request, version, form if _may_decide(request, version) else None, status=error.status)
    for run in decided.runs.filter(state=RunState.QUEUED):
        tasks.ring(run)
    messages.success(
        request, _("Version %(version)s: %(state)s.") % {"version": decided, "state": decided.get_state_display()}
    )
    return redirect("habitats:version", number=number)


@require_safe
@never_cache
def compare_versions(request: HttpRequest) -> HttpResponse:
    """Two versions, class by class."""
    form = VersionPairForm(request.GET or None, visible=_visible(request))
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        left, right = form.cleaned_data["left"], form.cleaned_data["right"]
        context |= {"left": left, "right": right, "lines": side_by_side(left, right)}
        context["same_blocks"] = _were_scored_alike(left, right)
    status = 404 if form.is_bound and not form.is_valid() else 200
    return render(request, "habitats/version_compare.html", context, status=status)


def _were_scored_alike(left: ModelVersion, right: ModelVersion) -> bool:
    """Whether both were scored on the same samples: the same set, or one compared with the other on its blocks."""
    return left.training_set_id == right.training_set_id


def _visible(request: HttpRequest) -> Any:
    return versions_visible_to(request.user, timezone.localdate())


def _may_decide(request: HttpRequest, version: ModelVersion) -> bool:
    return version.state == VersionState.CANDIDATE and may(request.user, "decide_version", on=timezone.localdate())
