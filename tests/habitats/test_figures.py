import pytest
from django.utils import translation

from habitats.templatetags import figures


@pytest.mark.parametrize(
    ("area_m2", "words"),
    [
        (4_200, "0,42 ha"),
        (35_900, "3,6 ha"),
        (123_456, "12,3 ha"),
        (12_040_000, "1 204 ha"),
        (0, "0 ha"),
        (-50_000, "−5,0 ha"),
        (None, ""),
    ],
)
def test_areas_have_as_many_digits_as_they_are_worth(area_m2, words):
    with translation.override("fr"):
        assert figures.hectares(area_m2).replace("\u202f", " ").replace("\xa0", " ") == words


def test_confidence_is_said_in_words():
    with translation.override("en"):
        words = [str(figures.confidence_words(confidence)) for confidence in (95, 80, 79, 60, 59, 0)]
    assert words == ["high confidence"] * 2 + ["medium confidence"] * 2 + ["low confidence"] * 2


def test_shares_are_percentages():
    with translation.override("en"):
        assert figures.percent(0.1234) == "12.3 %"
    assert figures.hundredfold(0.12345) == 12.35
