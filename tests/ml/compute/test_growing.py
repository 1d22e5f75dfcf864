import numpy as np
import pytest

from ml.compute import growing
from ml.compute.errors import SampleError
from ml.compute.forest_files import forest_arrays, forest_of_arrays
from ml.compute.growing import LEAF_CLASSES, ForestSetting, TrainingCells, fit_forest, grow_forest
from ml.compute.selection import hold_out

SETTING = ForestSetting(3, 1.0)


@pytest.fixture
def cells():
    rng = np.random.default_rng(0)
    levels = rng.integers(-32767, 32766, (900, 6)).astype(np.int16)
    classes = (levels[:, 0].astype(int) + 33000 + rng.integers(0, 9000, 900)) * 12 // 75000
    return TrainingCells(levels, classes, np.arange(900) // 30, np.ones(900))


def test_trees_do_not_depend_on_how_many_grow_at_once(cells, monkeypatch):
    whole = grow_forest(cells, SETTING, trees=7, seed=3)
    monkeypatch.setattr(growing, "_trees_at_once", lambda *_: 2)
    batched = grow_forest(cells, SETTING, trees=7, seed=3)
    for name in ("nodes", "roots", "leaf_starts", "leaf_classes", "leaf_shares"):
        np.testing.assert_array_equal(getattr(whole.packed, name), getattr(batched.packed, name))
    np.testing.assert_allclose(whole.importances, batched.importances)
    assert whole.importances.sum() == pytest.approx(1)


def test_leaves_of_top_classes_vote_nearly_as_whole_ones(cells):
    whole = fit_forest(cells, SETTING, trees=30, seed=1).predict_proba(cells.levels)
    packed = grow_forest(cells, SETTING, trees=30, seed=1).packed
    assert np.diff(packed.leaf_starts).max() <= LEAF_CLASSES
    shares = packed.shares(np.ascontiguousarray(cells.levels.T))
    np.testing.assert_allclose(shares, whole, atol=0.03)
    assert (shares.argmax(axis=1) == whole.argmax(axis=1)).mean() > 0.99


def test_a_forest_comes_back_from_its_arrays(cells):
    packed = grow_forest(cells, SETTING, trees=5, seed=0).packed
    again = forest_of_arrays(forest_arrays(packed), packed.class_count)
    for name in ("nodes", "roots", "leaf_starts", "leaf_classes", "leaf_shares"):
        np.testing.assert_array_equal(getattr(again, name), getattr(packed, name))
        assert getattr(again, name).dtype == getattr(packed, name).dtype


def test_more_classes_than_memory_allows_are_refused_in_a_sentence(cells):
    with pytest.raises(SampleError, match=r"12 classes over 900 cells need .* merge classes"):
        grow_forest(cells, SETTING, trees=5, seed=0, memory=10_000)


def test_a_cut_by_groups_leaves_every_class_something_to_teach(cells):
    cut = hold_out(cells, seed=0)
    assert set(cells.classes[cut.judging]) <= set(cells.classes[cut.learned])
    assert set(cells.classes[cut.learned]) == set(cells.classes)
    assert np.intersect1d(cut.learned, cut.judging).size == 0
    alone = TrainingCells(cells.levels, cells.classes, np.zeros(900, int), cells.weights)
    assert hold_out(alone, seed=0) is None
