"""What every page needs to know about the region."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from territories.models import Region
from territories.permissions import may


def region(request: HttpRequest) -> dict[str, Any]:
    """The region, read once per page and only where a template asks."""
    return {
        "region": SimpleLazyObject(lambda: Region.objects.defer("footprint").first()),
        "is_demonstration": settings.DEMONSTRATION,
        "may_run_models": SimpleLazyObject(lambda: may(request.user, "run_models", on=timezone.localdate())),
        "may_see_samples": SimpleLazyObject(lambda: may(request.user, "see_samples", on=timezone.localdate())),
    }
