"""My work: what waits for the person signed in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from feedback.queries.work import tasks_of
from territories.permissions import SignedInRequest


@require_safe
@never_cache
@login_required
def my_work(request: SignedInRequest) -> HttpResponse:
    """One card a task, what waits first; the mandates that give them."""
    now = timezone.now()
    mandates = request.user.mandates.in_force(now.date()).select_related("territory").order_by("role")
    context = {
        "tasks": tasks_of(request.user, at=now),
        "mandates": mandates.defer("territory__geometry", "territory__geometry_3857"),
    }
    return render(request, "feedback/my_work.html", context)
