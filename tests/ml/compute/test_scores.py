import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box
from sklearn.metrics import accuracy_score, f1_score, precision_score

from ml.compute.errors import SampleError
from ml.compute.scores import score_class_map, score_labels
from tests.ml.compute.rasters import TEN_METRES, write_class_map

labels = st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("ABCD")), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(labels)
def test_scores_are_those_of_scikit_learn(pairs):
    truth, predicted = (np.array(one, object) for one in zip(*pairs, strict=True))
    scores = score_labels(truth, predicted)
    present = sorted(set(truth.tolist()))
    options = {"labels": present, "average": None, "zero_division": 0}
    assert scores.macro_f1 == pytest.approx(f1_score(list(truth), list(predicted), **options).mean())
    assert scores.overall_accuracy == pytest.approx(accuracy_score(list(truth), list(predicted)))
    precisions = precision_score(list(truth), list(predicted), **options)
    assert [scores.per_class[label].precision for label in present] == pytest.approx(list(precisions))
    assert np.sum(scores.matrix) == len(pairs)


def square(left, top, right, bottom):
    (west, north), (east, south) = TEN_METRES @ (left, top), TEN_METRES @ (right, bottom)
    return box(west, south, east, north)


def samples_of(rows):
    columns = zip(("code", "split", "geometry"), zip(*rows, strict=True), strict=True)
    return gpd.GeoDataFrame({name: list(values) for name, values in columns}, geometry="geometry", crs=2154)


def test_a_map_is_scored_on_test_cells_alone_and_no_data_is_wrong(tmp_path):
    path = write_class_map(tmp_path / "c.tif", [[1, 1, 2, 0], [1, 2, 2, 2]], codes={1: "A", 2: "B"})
    samples = samples_of(
        [
            ("A", "test", square(0, 0, 2, 2)),
            ("B", "test", square(2, 0, 4, 1)),
            ("B", "train", square(0, 0, 4, 2)),
        ]
    )
    scores = score_class_map(path, samples)
    assert (scores.test_samples, scores.test_cells) == (2, 6)
    assert scores.overall_accuracy == pytest.approx(4 / 6)
    assert scores.per_class["A"].f1 == pytest.approx(6 / 7)
    assert scores.per_class["B"].f1 == pytest.approx(0.5)
    assert scores.confusion == {"labels": ["A", "B", ""], "matrix": [[3, 1, 0], [0, 1, 1]]}
    assert scores.as_json()["per_class"]["A"]["support"] == 4


def test_points_and_other_projections_are_scored_too(tmp_path):
    path = write_class_map(tmp_path / "c.tif", [[1, 2]], codes={1: "A", 2: "B"})
    points = [Point(TEN_METRES @ (0.5, 0.5)), Point(TEN_METRES @ (1.5, 0.5))]
    samples = samples_of([("A", "test", points[0]), ("A", "test", points[1])])
    assert score_class_map(path, samples.to_crs(4326)).overall_accuracy == 0.5


def test_a_map_without_test_cells_is_not_scored(tmp_path):
    path = write_class_map(tmp_path / "c.tif", [[1, 2]])
    with pytest.raises(SampleError, match="no sample with the split 'test'"):
        score_class_map(path, samples_of([("1", "train", square(0, 0, 1, 1))]))
