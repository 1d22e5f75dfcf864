"""What every page needs to know about the region."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from territories.models import Region
from territories.permissions import rights_anywhere
from territories.states import RIGHTS_OF_ROLE

_RIGHTS = {right for rights in RIGHTS_OF_ROLE.values() for right in rights}


class RightsAnywhere:
    """For templates: `person_may.contest` is whether the person holds the right somewhere today, asked once a page."""

    def __init__(self, request: HttpRequest) -> None:
        self._held = SimpleLazyObject(lambda: rights_anywhere(request.user, on=timezone.localdate()))

    def __getitem__(self, right: str) -> bool:
        """Raise KeyError for what is no right: a template would take a misspelt one for a refusal."""
        if right not in _RIGHTS:
            raise KeyError(right)
        return right in self._held


def region(request: HttpRequest) -> dict[str, Any]:
    """The region, read once per page and only where a template asks."""
    person_may = RightsAnywhere(request)
    return {
        "region": SimpleLazyObject(lambda: Region.objects.defer("footprint").first()),
        "person_may": person_may,
        "is_demonstration": settings.DEMONSTRATION,
        "may_run_models": SimpleLazyObject(lambda: person_may["run_models"]),
        "may_see_samples": SimpleLazyObject(lambda: person_may["see_samples"]),
    }
