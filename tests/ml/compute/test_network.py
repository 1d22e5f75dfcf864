import numpy as np
import onnx
import pytest

from ml.compute import distillation, training
from ml.compute.candidates import Trial, choose_candidate
from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.distillation import Lessons, distil_network
from ml.compute.network import BATCH, encode_levels
from ml.compute.samples import read_sample_file
from ml.compute.scores import score_class_map
from ml.compute.training import TrainingOptions, load_model, save_model, train_model
from tests.ml.compute.tiny_regions import write_tiny_region


@pytest.fixture(scope="module", autouse=True)
def few_epochs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distillation, "EPOCHS", 8)
        patch.setattr(distillation, "BATCH_CELLS", 64)
        yield


def lessons(class_count, cells=900):
    """Cells whose class is told by the first two features."""
    rng = np.random.default_rng(class_count)
    classes = np.arange(cells) % class_count
    angle = 2 * np.pi * classes / class_count
    levels = rng.normal(0, 900, (cells, 5))
    levels[:, 0] += 9000 * np.cos(angle)
    levels[:, 1] += 9000 * np.sin(angle)
    return Lessons(levels.astype(np.int16), classes, np.arange(cells) < cells // 2)


@pytest.mark.parametrize("class_count", [2, 5])
def test_a_network_of_whole_numbers_tells_classes_apart(class_count):
    taught = lessons(class_count)
    network = distil_network(taught, class_count=class_count, seed=0)
    shares = network.shares(np.ascontiguousarray(taught.levels.T))
    assert shares.shape == (900, class_count)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-4)
    assert (shares.argmax(axis=1) == taught.classes).mean() > 0.95


def test_its_weights_are_bytes_and_its_graph_is_checked():
    graph = onnx.load_from_string(distil_network(lessons(3), class_count=3, seed=0).graph)
    assert [node.op_type for node in graph.graph.node] == ["QGemm", "QGemm", "QGemm", "Softmax"]
    weights = [one for one in graph.graph.initializer if one.name.startswith("weights")]
    assert {one.data_type for one in weights} == {onnx.TensorProto.INT8}


def test_the_same_lessons_give_the_same_bytes():
    first, second = (distil_network(lessons(3), class_count=3, seed=4) for _ in range(2))
    assert first.graph == second.graph
    assert first.graph != distil_network(lessons(3), class_count=3, seed=5).graph


def test_a_sharper_network_is_surer_of_the_same_classes():
    taught = lessons(4)
    levels = np.ascontiguousarray(taught.levels.T)
    plain = distil_network(taught, class_count=4, seed=0).shares(levels)
    sharp = distil_network(taught, class_count=4, seed=0, sharpness=2.0).shares(levels)
    assert sharp.max(axis=1).mean() > plain.max(axis=1).mean()
    assert (sharp.argmax(axis=1) == plain.argmax(axis=1)).mean() > 0.98


def test_shares_do_not_depend_on_how_cells_are_cut():
    network = distil_network(lessons(3), class_count=3, seed=0)
    levels = np.random.default_rng(0).integers(-32767, 32766, (5, BATCH + 100)).astype(np.int16)
    whole = network.shares(levels)
    np.testing.assert_array_equal(whole[-100:], network.shares(np.ascontiguousarray(levels[:, -100:])))


def test_codes_are_cut_at_both_ends():
    levels = np.array([[-32767, 0, 32766]], np.int16)
    codes = np.empty((3, 1), np.uint8)
    encode_levels(levels, 0, np.zeros(1, np.float32), np.array([0.01], np.float32), codes)
    assert codes[:, 0].tolist() == [0, 128, 255]


def trial(kind, macro_f1, cpu_seconds):
    return Trial(kind, macro_f1, 1.0, cpu_seconds)


def test_the_cheapest_candidate_that_keeps_up_with_todays_forest_is_chosen():
    trials = [trial("forest", 0.95, 20), trial("plain forest", 0.88, 9), trial("small forest", 0.94, 2)]
    eligible = ["small forest", "network"]
    assert choose_candidate([*trials, trial("network", 0.87, 0.3)], eligible, 0.02).kind == "network"
    assert choose_candidate([*trials, trial("network", 0.85, 0.3)], eligible, 0.02).kind == "small forest"
    worse = [trial("plain forest", 0.9, 9), trial("small forest", 0.5, 2), trial("network", 0.6, 0.3)]
    assert choose_candidate(worse, eligible, 0.02).kind == "network"


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return write_tiny_region(tmp_path_factory.mktemp("network") / "tiny")


@pytest.fixture(scope="module")
def model(region):
    samples = read_sample_file(region.samples_file, field="code")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "LARGE_MAP_CELLS", 1000)
        return train_model(region.stack, samples, options=TrainingOptions(mode="frugal"))


def test_a_large_map_is_taught_to_a_network_and_all_candidates_are_printed(model):
    kinds = [one["candidate"] for one in model.report["candidates"]]
    assert kinds == ["forest", "plain forest", "small forest", "network"]
    assert all(one["cpu_seconds_per_million_cells"] > 0 for one in model.report["candidates"])
    assert [one["candidate"] for one in model.report["candidates"] if one["chosen"]] == [model.report["classifier"]]


def test_a_network_maps_the_stack_and_comes_back_from_its_file(region, model, tmp_path):
    assert model.report["classifier"] == "network"
    assert model.recipe.is_plain
    assert model.recipe.halo == 0
    save_model(model, tmp_path / "m")
    assert load_model(tmp_path / "m").classifier.graph == model.classifier.graph
    for workers in (1, 2):
        outputs = ClassifyOutputs(tmp_path / f"c{workers}.tif", tmp_path / f"k{workers}.tif")
        classify_stack(region.stack, tmp_path / "m", outputs, workers=workers)
    assert (tmp_path / "c1.tif").read_bytes() == (tmp_path / "c2.tif").read_bytes()
    samples = read_sample_file(region.samples_file, field="code")
    assert score_class_map(tmp_path / "c1.tif", samples).macro_f1 > 0.8
