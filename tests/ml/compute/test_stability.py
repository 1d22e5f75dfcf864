import numpy as np
import pytest

from ml.compute.stability import UNKNOWN_STRENGTH, expected_transitions, rank_last_year, weigh_years
from ml.compute.transitions import learn_transitions, transition_matrix, weight_matrix

CODES = ("A", "B", "C")
STEADY = transition_matrix(np.full(4, 0.95), weight_matrix(CODES, None))


def history(*years):
    """One cell: (class, share) of each year, or (class, share, runner-up, its share)."""
    classes, shares = np.zeros((len(years), 3, 1), np.uint16), np.zeros((len(years), 3, 1), np.uint8)
    for year, said in enumerate(years):
        for rank in range(len(said) // 2):
            classes[year, rank, 0], shares[year, rank, 0] = said[2 * rank : 2 * rank + 2]
    return classes, shares


def weighed(*years, transitions=STEADY, frozen=None):
    labels, strengths = weigh_years(*history(*years), transitions, frozen)
    return labels[:, 0].tolist(), strengths[:, 0].tolist()


def test_a_sure_change_is_kept():
    labels, (strength,) = weighed((1, 99), (2, 99))
    assert labels == [1, 2]
    assert strength > 50


def test_an_unsure_flip_is_taken_back_to_the_year_that_knows_better():
    assert weighed((1, 90), (2, 50))[0] == [1, 1]
    assert weighed((1, 50), (2, 90))[0] == [2, 2]


def test_a_runner_up_of_both_years_may_win():
    assert weighed((1, 45, 3, 44), (2, 45, 3, 44))[0] == [3, 3]


def test_a_class_that_comes_back_was_flicker():
    assert weighed((1, 85), (2, 85), (1, 85))[0] == [1, 1, 1]


def test_a_change_that_lasts_is_kept_though_no_year_alone_is_sure():
    labels, strengths = weighed(*[(1, 80)] * 3, *[(2, 80)] * 3)
    assert labels == [1, 1, 1, 2, 2, 2]
    assert np.argmax(strengths) == 2


def test_the_strength_is_the_chance_by_bayes():
    classes, shares = history((1, 70, 2, 30), (2, 60, 1, 40))
    chances = np.zeros((3, 3))
    chances[1:, 1:] = [[0.9, 0.1], [0.1, 0.9]]
    _labels, strengths = weigh_years(classes, shares, chances)
    both = np.outer([0.7, 0.3], [0.4, 0.6]) * chances[1:, 1:]
    assert strengths[0, 0] == round(100 * (both[0, 1] + both[1, 0]) / both.sum())
    counts = expected_transitions(classes, shares, chances)
    assert counts[1:, 1:] == pytest.approx(both / both.sum())


def test_a_year_without_data_says_nothing_and_gets_no_class():
    labels, strengths = weighed((1, 90), (0, 0), (1, 90))
    assert labels == [1, 0, 1]
    assert strengths == [UNKNOWN_STRENGTH, UNKNOWN_STRENGTH]
    assert weighed((0, 0), (0, 0)) == ([0, 0], [UNKNOWN_STRENGTH])


def test_two_years_that_agree_are_surer_than_each_of_them():
    classes, shares = history((1, 60, 2, 40), (1, 60, 2, 40))
    labels, _strengths = weigh_years(classes, shares, STEADY)
    ranks, percents = rank_last_year(classes, shares, STEADY, labels[-1])
    assert ranks[:, 0].tolist() == [1, 2, 0]
    assert percents[0, 0] > 65
    assert percents[:, 0].sum() == pytest.approx(99, abs=1)


def test_the_class_decided_comes_first_also_where_another_is_likelier():
    classes, shares = history((1, 90), (2, 99))
    ranks, percents = rank_last_year(classes, shares, STEADY, np.array([1], np.uint16))
    assert ranks[:2, 0].tolist() == [1, 2]
    assert percents[0, 0] < percents[1, 0]


def test_what_the_years_before_said_is_handed_on():
    maps = [(1, 70, 2, 25), (1, 70, 2, 25), (2, 60, 1, 38)]
    classes, shares = history(*maps[:2])
    labels, _strengths = weigh_years(classes, shares, STEADY)
    ranks, percents = rank_last_year(classes, shares, STEADY, labels[-1])
    last = history(maps[2])
    handed_on = [np.concatenate([one[None], other]) for one, other in zip((ranks, percents), last, strict=True)]
    together, _strengths = weigh_years(*history(*maps), STEADY)
    step_by_step, _strengths = weigh_years(*handed_on, STEADY)
    assert step_by_step[-1, 0] == together[-1, 0] == 1


def test_a_step_that_is_frozen_does_not_change():
    labels, _strengths = weighed((1, 99), (2, 98), frozen=np.ones((1, 1), bool))
    assert labels == [1, 1]


def test_what_is_impossible_within_a_year_does_not_happen():
    import pandas as pd

    table = pd.DataFrame({"from_class": ["A"], "to_class": ["B"], "weight": [0.0]})
    chances = transition_matrix(np.full(4, 0.95), weight_matrix(CODES, table))
    labels, strengths = weighed((1, 99), (2, 98), transitions=chances)
    assert labels == [1, 1]
    assert strengths[0] < 10


def test_rows_of_chances_add_up_to_one_also_with_one_class():
    assert STEADY[1:].sum(axis=1) == pytest.approx(1)
    alone = transition_matrix(np.full(2, 0.9), weight_matrix(("A",), None))
    assert alone[1, 1] == 1


def simulated(random, *, cells, years, leaving, accuracy):
    """A chain of two classes seen through maps that are right with a chance which they know."""
    truth = np.zeros((years, cells), int)
    truth[0] = random.integers(1, 3, cells)
    for year in range(1, years):
        leaves = random.random(cells) < np.take([0, *leaving], truth[year - 1])
        truth[year] = np.where(leaves, 3 - truth[year - 1], truth[year - 1])
    right = random.random(truth.shape) < accuracy
    classes, shares = np.zeros((years, 3, cells), np.uint16), np.zeros((years, 3, cells), np.uint8)
    classes[:, 0] = np.where(right, truth, 3 - truth)
    classes[:, 1] = 3 - classes[:, 0]
    shares[:, 0], shares[:, 1] = round(100 * accuracy), 100 - round(100 * accuracy)
    return truth, classes, shares


def test_what_stays_is_learned_from_maps_that_flicker():
    random = np.random.default_rng(4)
    truth, classes, shares = simulated(random, cells=20_000, years=4, leaving=(0.02, 0.10), accuracy=0.9)
    weights = weight_matrix(("A", "B"), None)
    chances = learn_transitions(lambda believed: expected_transitions(classes, shares, believed), weights)
    assert chances[1, 1] == pytest.approx(0.98, abs=0.01)
    assert chances[2, 2] == pytest.approx(0.90, abs=0.03)
    labels, _strengths = weigh_years(classes, shares, chances)
    assert (labels == truth).mean() > (classes[:, 0] == truth).mean() + 0.03
