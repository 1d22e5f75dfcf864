import numpy as np
import pytest

from ml.compute.errors import TransitionError
from ml.compute.transitions import read_weights, weight_matrix


def table_in(folder, text):
    path = folder / "weights.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_star_stands_for_any_class_and_a_later_row_wins(tmp_path):
    path = table_in(tmp_path, "from_class,to_class,weight\n*,G1,0\nF3,G1,2\nX9,G1,5\n")
    weights = weight_matrix(("E1", "F3", "G1"), read_weights(path))
    assert weights[2, 3] == 2
    assert 0 < weights[1, 3] < 1e-6
    assert weights[3, 1] == weights[1, 2] == 1
    assert (np.diag(weights) == 0).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from_class,to_class\nA,B\n", "no column 'weight'"),
        ("from_class,to_class,weight\nA,B,1\nA,C,often\n", "row 2, 'weight': 'often' is not a number from 0"),
        ("from_class,to_class,weight\nA,B,-1\n", "row 1"),
        ("", "not readable"),
    ],
)
def test_a_table_at_fault_is_named_with_its_row(tmp_path, text, words):
    with pytest.raises(TransitionError, match=words):
        read_weights(table_in(tmp_path, text))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(TransitionError, match=r"none.csv: the file is missing"):
        read_weights(tmp_path / "none.csv")
