"""Differences as people read them: signed, and in a word."""

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

register = template.Library()

M2_PER_HA = 10_000
LEAST_HA_TO_TELL = 0.005  # below, the two areas are printed alike
MINUS, PLUS = "−", "+"


@register.filter
def signed_hectares(difference_m2: float) -> str:
    """A difference of areas (m²) in signed hectares: `+12,3 ha`, `−0,42 ha`, `0 ha`."""
    area = abs(difference_m2) / M2_PER_HA
    if area < LEAST_HA_TO_TELL:
        return "0 ha"
    decimals = 2 if area < 1 else 1 if area < 100 else 0
    return f"{sign_of(difference_m2)}{number_format(area, decimals, force_grouping=True)} ha"


@register.filter
def signed_percent(ratio: float | None) -> str:
    """A ratio as a signed percentage; a word where there was nothing before."""
    if ratio is None:
        return _("new")
    rounded = round(ratio * 100, 1)
    return f"{sign_of(rounded)}{number_format(abs(rounded), 1, force_grouping=True)} %"


@register.filter
def signed_score(difference: float | None) -> str:
    """A difference of scores (0 to 1), with three decimals."""
    if difference is None:
        return ""
    rounded = round(difference, 3)
    return f"{sign_of(rounded)}{number_format(abs(rounded), 3)}"


@register.filter
def change_word(difference_m2: float) -> str:
    """Gain, loss or neither."""
    if abs(difference_m2) / M2_PER_HA < LEAST_HA_TO_TELL:
        return _("unchanged")
    return _("gain") if difference_m2 > 0 else _("loss")


def sign_of(number: float) -> str:
    """The typographic sign; none for zero."""
    if number == 0:
        return ""
    return PLUS if number > 0 else MINUS
