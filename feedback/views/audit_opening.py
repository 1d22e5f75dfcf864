"""The button of the gate that breaks the seal of the audit sample."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bioccia.errors import BiocciaError
from feedback import actions
from habitats.models import AuditSample, Vintage
from habitats.states import VintageState
from territories.permissions import SignedInRequest


@require_POST
@login_required
def open_points(request: SignedInRequest, year: int, number: int) -> HttpResponse:
    """Open the points for the working vintage of the year."""
    audit = get_object_or_404(AuditSample.objects.select_related("region", "vintage"), year=year, number=number)
    vintage = get_object_or_404(Vintage, region=audit.region, year=year, state=VintageState.WORKING)
    try:
        actions.open_audit_at_gate(audit=audit, vintage=vintage, by=request.user, at=timezone.now())
    except BiocciaError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("The audit is opened: its points and its result are public."))
    return redirect("habitats:audit", year=year, number=number)
