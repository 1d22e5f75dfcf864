"""What release administrators do before a release stands: the gate, the dossier, the signatures, the publication."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bioccia.errors import BiocciaError, InvalidFieldsError
from feedback import actions
from feedback.forms.releases import PrepareForm, ReasonForm, SignForm
from feedback.gate import GateLine, checklist
from feedback.models import Release
from feedback.queries import releases as queries
from feedback.states import ReleaseState
from feedback.views.releases.words import (
    GATE_TAGS,
    GATE_TITLES,
    accuracy_rows,
    dropped_rows,
    gate_answers,
    report_rows,
    tag_of_release,
)
from habitats.models import Vintage
from habitats.queries import dropped_corrections
from habitats.states import VintageState
from ml.tasks import ring
from ml.views.progress import RunProgress
from territories.permissions import SignedInRequest, require_everywhere


@require_safe
@login_required
@never_cache
def gate_page(request: SignedInRequest, year: int) -> HttpResponse:
    """The checklist of a year's working map, and the button that prepares its dossier."""
    return _gate_page(request, year, None)


def _gate_page(request: SignedInRequest, year: int, form: PrepareForm | None, status: int = 200) -> HttpResponse:
    context = _gate_context(request, year)
    context["form"] = form or PrepareForm(has_dropped=bool(context["dropped"]))
    return render(request, "feedback/release_gate.html", context, status=status)


def _gate_context(request: SignedInRequest, year: int) -> dict[str, Any]:
    require_everywhere(request.user, "release", on=timezone.localdate())
    vintage = _working_map(year)
    lines = checklist(vintage)
    under_way = queries.releases_for_lists().under_way().filter(region=vintage.region_id, year=year).first()
    return {
        "year": year,
        "vintage": vintage,
        "lines": [_line_context(line) for line in lines],
        "blocking": sum(line.is_blocking for line in lines),
        "dropped": list(dropped_corrections(vintage)),
        "under_way": under_way,
        "number": under_way.number if under_way else queries.next_number(vintage.region, year),
    }


def _working_map(year: int) -> Vintage:
    related = ("region", "version__training_set", "classes", "confidence")
    return get_object_or_404(Vintage.objects.select_related(*related), year=year, state=VintageState.WORKING)


def _line_context(line: GateLine) -> dict[str, Any]:
    return {
        "line": line,
        "title": GATE_TITLES[line.code],
        "tag": GATE_TAGS[line.state],
        "url": _where_to_act(line) if line.way_out else "",
    }


def _where_to_act(line: GateLine) -> str:
    """The page where a line that does not hold can be put right."""
    pages = {
        "no_run_is_open": "ml:run-list",
        "rounds_are_closed": "feedback:round-list",
        "nothing_in_review": "feedback:desk",
        "audit_is_opened": "habitats:audit-list",
        "accuracy_is_reached": "habitats:version-list",
        "map_is_working": "feedback:release-list",
    }
    if line.code == "dropped_corrections_are_read":
        return "#dropped"
    return reverse(pages[line.code]) if line.code in pages else ""


@require_safe
@login_required
@never_cache
def gate_lines(request: SignedInRequest, year: int) -> HttpResponse:
    """The part of the gate that moves, asked again by itself."""
    return render(request, "feedback/_gate_lines.html", _gate_context(request, year))


@require_POST
@login_required
def prepare(request: SignedInRequest, year: int) -> HttpResponse:
    """Prepare the dossier, then read it."""
    vintage = _working_map(year)
    form = PrepareForm(request.POST, has_dropped=dropped_corrections(vintage).exists())
    if not form.is_valid():
        return _gate_page(request, year, form, status=422)
    try:
        release = actions.prepare_release(
            vintage=vintage,
            by=request.user,
            at=timezone.now(),
            acknowledges_dropped=form.cleaned_data.get("acknowledges_dropped", False),
        )
    except BiocciaError as error:
        form.add_error(None, str(error.detail))
        return _gate_page(request, year, form, status=error.status)
    messages.success(request, _("The dossier is ready: read it, then sign it."))
    return redirect("feedback:release-dossier", pk=release.pk)


@require_safe
@login_required
@never_cache
def dossier_page(request: SignedInRequest, pk: int) -> HttpResponse:
    """The dossier as a person reads it, its hash, its signatures, and the publication once it runs."""
    return _dossier_page(request, _release_to_read(request, pk), SignForm())


def _release_to_read(request: SignedInRequest, pk: int) -> Release:
    require_everywhere(request.user, "release", on=timezone.localdate())
    return get_object_or_404(queries.releases_for_lists().select_related("run", "prepared_by"), pk=pk)


def _dossier_page(request: SignedInRequest, release: Release, form: SignForm, status: int = 200) -> HttpResponse:
    signatures = list(release.signatures.select_related("signer", "organisation").order_by("signed_at"))
    assessment = release.dossier["audit"]["assessment"] or {}
    has_signed = any(signature.signer_id == request.user.pk for signature in signatures)
    context = {
        "release": release,
        "tag": tag_of_release(release),
        "dossier": release.dossier,
        "assessment": assessment,
        "accuracy": accuracy_rows(assessment),
        "gate_titles": gate_answers(release),
        "report_rows": report_rows(release),
        "dropped": dropped_rows(release),
        "signatures": signatures,
        "form": form,
        "reason_form": ReasonForm(),
        "may_sign": release.state == ReleaseState.PREPARED and not has_signed,
        "has_signed": has_signed,
        "run": release.run,
        "progress": RunProgress(release.run, timezone.now()) if release.run else None,
        "follows_runs": True,
        "may_stop": True,
        "may_requeue": release.state == ReleaseState.SIGNED,
    }
    return render(request, "feedback/release_dossier.html", context, status=status)


@require_POST
@login_required
def sign(request: SignedInRequest, pk: int) -> HttpResponse:
    """Sign the dossier that was read; the second signature rings for the publication."""
    release = _release_to_read(request, pk)
    form = SignForm(request.POST)
    if not form.is_valid():
        return _dossier_page(request, release, form, status=422)
    try:
        signed = actions.sign_dossier(
            release=release, by=request.user, dossier_sha256=form.cleaned_data["dossier_sha256"], at=timezone.now()
        )
    except BiocciaError as error:
        form.add_error(None, str(error.detail))
        return _dossier_page(request, _release_to_read(request, pk), form, status=error.status)
    if signed.run is not None:
        ring(signed.run)
        messages.success(request, _("Signed twice: the publication begins."))
    else:
        messages.success(request, _("Signed. Somebody of another service signs next."))
    return redirect("feedback:release-dossier", pk=pk)


@require_POST
@login_required
def abandon(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give up a release that is not published."""
    release = _release_to_read(request, pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise InvalidFieldsError(_("Say why."), fields={"reason": _("Say why.")})
    reason = form.cleaned_data["reason"]
    actions.abandon_release(release=release, by=request.user, at=timezone.now(), reason=reason)
    messages.success(request, _("Release %(release)s is abandoned; its number is free again.") % {"release": release})
    return redirect("feedback:release-list")


@require_POST
@login_required
def withdraw(request: SignedInRequest, year: int, number: int) -> HttpResponse:
    """Take a published release back, with a reason for everybody."""
    release = get_object_or_404(Release.objects.public(), year=year, number=number)
    reason = request.POST.get("reason", "")
    actions.withdraw_release(release=release, by=request.user, reason=reason, at=timezone.now())
    messages.success(request, _("Release %(release)s is withdrawn.") % {"release": release})
    return redirect("feedback:release", year=year, number=number)


@require_POST
@login_required
def erratum(request: SignedInRequest, year: int, number: int) -> HttpResponse:
    """Open a working copy of a published map, to be corrected and released as the next number."""
    release = get_object_or_404(Release.objects.public(), year=year, number=number)
    actions.open_erratum(release=release, by=request.user, at=timezone.now())
    messages.success(
        request,
        _("The map of %(year)s can be corrected again; its next release will be %(year)s.%(number)s.")
        % {"year": year, "number": number + 1},
    )
    return redirect("feedback:release-gate", year=year)
