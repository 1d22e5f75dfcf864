"""The desk of scientific validators: what waits, and one judgement for a selection."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from habitats import actions, queries
from habitats.forms.releves import BatchForm
from habitats.views.releve_map import releve_map
from habitats.views.releves import tag_of
from territories.permissions import SignedInRequest, require

PER_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def validation_desk(request: SignedInRequest) -> HttpResponse:
    """What waits for this validator, the oldest first; a judgement for those ticked."""
    today, now = timezone.localdate(), timezone.now()
    require(request.user, "validate_releve", on=today)
    waiting = queries.releves_waiting_for(request.user, on=today)
    form = BatchForm(request.POST or None, waiting=waiting, initial={"seen_at": now.isoformat()})
    if request.method == "POST" and form.is_valid():
        judged = actions.validate_releves(**form.cleaned_data, by=request.user, at=now)
        messages.success(
            request,
            ngettext("%(count)s relevé judged.", "%(count)s relevés judged.", len(judged)) % {"count": len(judged)},
        )
        return redirect("habitats:releve-validation")
    page = Paginator(queries.with_determinations(waiting), PER_PAGE).get_page(request.GET.get("page"))
    places = [(str(one), reverse("habitats:releve", args=[one.uuid]), one.geometry) for one in page]
    context = {
        "page": page,
        "form": form,
        "ticked": request.POST.getlist("releves"),
        "lines": [{"releve": releve, "tag": tag_of(releve)} for releve in page],
        "organisation": request.user.organisation,
        "map_settings": releve_map(places) if places else None,
    }
    return render(request, "habitats/releve_desk.html", context, status=422 if form.errors else 200)
