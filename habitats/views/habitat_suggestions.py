"""Suggestions under a field that takes a habitat by its code or a part of its name."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from habitats.forms.releves import SuggestionForm
from habitats.models import HabitatType
from habitats.queries import habitat_types_named

MOST_SHOWN = 12


@require_safe
def habitat_suggestions(request: HttpRequest) -> JsonResponse:
    """The habitats of the legend, or of a typology, whose code begins with a text or whose name holds it."""
    form = SuggestionForm(request.GET)
    text, typology = (form.cleaned_data[name] for name in ("q", "typology")) if form.is_valid() else ("", "")
    found = habitat_types_named(text, typology=typology)[:MOST_SHOWN] if text else []
    return JsonResponse({"results": [_as_json(habitat) for habitat in found]})


def _as_json(habitat: HabitatType) -> dict[str, Any]:
    entry = getattr(habitat, "legend_entry", None)
    return {
        "id": habitat.pk,
        "code": habitat.code,
        "label": habitat.label,
        "typology": habitat.typology.code,
        "color": entry.color if entry else None,
    }
