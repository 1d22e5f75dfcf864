import numpy as np
import pytest

from ml.compute.assessment import assess_levels
from ml.compute.hierarchy import Hierarchy, labels_of_confusion, score_levels

TREE = Hierarchy({"E1.2": "E1", "E1.7": "E1", "E1": "E", "E2": "E", "G1": "G"})


def test_a_code_is_raised_to_its_ancestor_and_a_shallow_one_stands_for_itself():
    assert TREE.lineage("E1.2") == ("E1.2", "E1", "E")
    assert [TREE.at_level("E1.2", level) for level in (1, 2, 3, 4)] == ["E", "E1", "E1.2", "E1.2"]
    assert [TREE.at_level("G1", level) for level in (1, 2, 3)] == ["G", "G1", "G1"]
    assert TREE.at_level("unheard of", 1) == "unheard of"
    assert TREE.depth(["E2", "E1.7"]) == 3


def test_a_code_and_what_lies_within_it_are_related_and_siblings_are_not():
    assert TREE.are_related("E", "E1.2")
    assert TREE.are_related("E1.2", "E")
    assert not TREE.are_related("E1.2", "E1.7")
    assert TREE.relations(["E", "E1.2", "G1"]).tolist() == [
        [True, True, False],
        [True, True, False],
        [False, False, True],
    ]


def test_scores_rise_with_the_level_where_children_are_confused():
    truth = np.array(["E1.2", "E1.7", "E2", "G1"] * 5, object)
    predicted = np.array(["E1.7", "E1.2", "E2", "G1"] * 5, object)
    top, middle, leaf = score_levels(truth, predicted, TREE)
    assert (top.level, top.classes, top.macro_f1, top.overall_accuracy) == (1, 2, 1.0, 1.0)
    assert (middle.classes, middle.macro_f1) == (3, 1.0)
    assert (leaf.classes, leaf.macro_f1, leaf.overall_accuracy) == (4, 0.5, 0.5)


def test_a_cell_without_data_is_wrong_at_every_level():
    scores = score_levels(np.array(["E1.2", "E2"], object), np.array(["E1.2", ""], object), TREE)
    assert [one.overall_accuracy for one in scores] == [0.5, 0.5, 0.5]


def test_the_labels_of_a_confusion_matrix_come_back():
    truth, predicted = labels_of_confusion({"labels": ["A", "B", ""], "matrix": [[3, 1, 0], [0, 1, 1]]})
    assert truth.tolist() == ["A"] * 4 + ["B"] * 2
    assert sorted(zip(truth, predicted, strict=True)) == sorted([("A", "A")] * 3 + [("A", "B"), ("B", "B"), ("B", "")])


def test_an_audit_is_assessed_within_parents_too():
    import pandas as pd

    rows = [("E1.2", "E1.2")] * 6 + [("E1.2", "E1.7")] * 6 + [("G1", "G1")] * 12
    points = pd.DataFrame(rows, columns=["map", "reference"]).assign(stratum=lambda table: table["map"])
    levels = assess_levels(points, {"E1.2": 1.0, "G1": 1.0}, TREE)
    assert [one["level"] for one in levels] == [1, 2, 3]
    assert [one["overall_accuracy"]["estimate"] for one in levels] == pytest.approx([1.0, 1.0, 0.75])
    assert levels[-1]["classes"]["E1.7"]["assessable"] is False
    assert levels[0]["classes"]["E"]["assessable"] is True
