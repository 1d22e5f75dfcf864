"""Areas, shares and confidence as people read them."""

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

register = template.Library()

M2_PER_HA = 10_000
SURE, FAIRLY_SURE = 80, 60  # percent; below the second the page says that the habitat is doubtful


@register.filter
def hectares(area_m2: float | None) -> str:
    """An area (m²) in hectares, with as many digits as it is worth: `0,42 ha`, `12,3 ha`, `1 204 ha`."""
    if area_m2 is None:
        return ""
    area = abs(area_m2) / M2_PER_HA
    decimals = 2 if 0 < area < 1 else 1 if 0 < area < 100 else 0
    sign = "−" if area_m2 < 0 else ""
    # number_format cuts what it is not asked to show.
    return f"{sign}{number_format(round(area, decimals), decimals, force_grouping=True)} ha"


@register.filter
def percent(share: float | None, decimals: int = 1) -> str:
    """A share between 0 and 1 as a percentage."""
    return "" if share is None else f"{number_format(round(share * 100, decimals), decimals)} %"


@register.filter
def confidence_words(confidence: int) -> str:
    """What a confidence (0-100) means for the reader."""
    if confidence >= SURE:
        return _("high confidence")
    if confidence >= FAIRLY_SURE:
        return _("medium confidence")
    return _("low confidence")


@register.filter
def confidence_kind(confidence: int) -> str:
    """The kind of tag that goes with a confidence (0-100)."""
    if confidence >= SURE:
        return "good"
    return "wait" if confidence >= FAIRLY_SURE else "bad"


@register.filter
def hundredfold(share: float) -> float:
    """A share between 0 and 1 in percent, as drawings take it."""
    return round(share * 100, 2)
