import pytest
from django.utils import translation

from habitats.templatetags.changes import change_word, signed_hectares, signed_percent, signed_score


@pytest.mark.parametrize(
    ("difference_m2", "words"),
    [(0, "0 ha"), (20, "0 ha"), (4_200, "+0.42 ha"), (-123_000, "−12.3 ha"), (12_040_000, "+1,204 ha")],
)
def test_hectares_carry_their_sign_and_no_more_digits_than_they_are_worth(difference_m2, words):
    with translation.override("en"):
        assert signed_hectares(difference_m2) == words


def test_where_there_was_nothing_before_no_percentage_is_invented():
    with translation.override("en"):
        assert signed_percent(None) == "new"
        assert signed_percent(0.064) == "+6.4 %"
        assert signed_percent(-0.0001) == "0.0 %"


def test_a_difference_of_scores_that_rounds_to_zero_has_no_sign():
    with translation.override("en"):
        assert signed_score(0.0001) == "0.000"
        assert signed_score(-0.02) == "−0.020"
        assert signed_score(None) == ""


def test_a_change_is_a_gain_a_loss_or_neither():
    with translation.override("en"):
        assert [change_word(value) for value in (1_000, -1_000, 10)] == ["gain", "loss", "unchanged"]
