import errno
import json
import statistics

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.errors import ComputeError, ModelFileError, SampleError, StackError
from ml.compute.forest import pack_forest
from ml.compute.model_files import MODEL_FORMAT
from ml.compute.region import read_region_folder, read_samples
from ml.compute.samples import read_sample_file
from ml.compute.scores import score_class_map
from ml.compute.selection import TrainingCells, select_setting
from ml.compute.sharpness import sharpen
from ml.compute.training import TrainingOptions, load_model, save_model, train_model
from tests.ml.compute.rasters import shared_path
from tests.ml.compute.tiny_regions import HEIGHT, NODATA, WIDTH, write_stack_file, write_tiny_region


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return write_tiny_region(tmp_path_factory.mktemp("training") / "tiny")


@pytest.fixture(scope="module")
def samples(region):
    return read_sample_file(region.samples_file, field="code")


@pytest.fixture(scope="module")
def model(region, samples):
    return train_model(region.stack, samples)


def test_the_report_says_what_was_learned(model):
    assert model.codes == ("E1.2", "G1.7", "J2")
    assert model.values == {"E1.2": 1, "G1.7": 2, "J2": 3}
    assert model.report["cells"] == sum(model.report["cells_per_class"].values())
    assert model.report["series"] == {"NDVI": 4, "elevation": 1}
    assert len(model.report["held_out_macro_f1"]) > 1
    json.dumps(model.report)


def test_the_same_seed_gives_the_same_file(region, samples, model, tmp_path):
    save_model(model, tmp_path / "a.model")
    save_model(train_model(region.stack, samples), tmp_path / "b.model")
    assert (tmp_path / "a.model").read_bytes() == (tmp_path / "b.model").read_bytes()
    save_model(train_model(region.stack, samples, options=TrainingOptions(seed=1)), tmp_path / "c.model")
    assert (tmp_path / "c.model").read_bytes() != (tmp_path / "a.model").read_bytes()


def test_a_model_comes_back_from_its_file(model, tmp_path):
    save_model(model, tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert (loaded.codes, loaded.values, loaded.recipe) == (model.codes, model.values, model.recipe)
    assert {**loaded.report, "candidates": []} == {**model.report, "candidates": []}
    assert [trial["macro_f1"] for trial in loaded.report["candidates"]] == [
        trial["macro_f1"] for trial in model.report["candidates"]
    ]
    np.testing.assert_array_equal(loaded.classifier.nodes, model.classifier.nodes)


def test_a_frugal_model_has_fewer_trees_on_fewer_features(region, samples, model):
    frugal = train_model(region.stack, samples, options=TrainingOptions(mode="frugal"))
    assert len(frugal.recipe.features) < len(model.recipe.features)
    assert frugal.classifier.roots.size < model.classifier.roots.size
    assert frugal.classifier.nodes.size < model.classifier.nodes.size / 2


def test_test_samples_teach_nothing(region, samples, model):
    changed = samples.copy()
    changed.loc[changed["split"] == "test", "code"] = "J2"
    np.testing.assert_array_equal(train_model(region.stack, changed).classifier.nodes, model.classifier.nodes)


def test_cells_under_two_codes_teach_nothing(region, samples):
    again = samples[samples["split"] == "train"].head(1).copy()
    again["code"] = "J2"
    import pandas as pd

    doubled = pd.concat([samples, again], ignore_index=True)
    assert train_model(region.stack, doubled).report["cells"] == train_model(region.stack, samples).report["cells"] - 36


def test_a_weight_column_is_honoured(region, samples):
    weighted = samples.assign(weight=1.0)
    weighted.loc[0, "weight"] = -1
    with pytest.raises(SampleError, match=r"sample 1 has the weight -1\.0"):
        train_model(region.stack, weighted)
    weighted.loc[0, "weight"] = 0.1
    assert train_model(region.stack, weighted).report["cells"] > 0


def test_samples_can_be_kept_together_by_a_column(region, samples):
    grouped = samples.assign(observer=[str(row % 4) for row in range(len(samples))])
    report = train_model(region.stack, grouped, options=TrainingOptions(group="observer")).report
    assert report["groups"] == 4
    with pytest.raises(SampleError, match="no column 'plot'"):
        train_model(region.stack, samples, options=TrainingOptions(group="plot"))


def test_fewer_than_two_classes_are_refused(region, samples):
    with pytest.raises(SampleError, match="fewer than 2 classes"):
        train_model(region.stack, samples[samples["code"] == "J2"])
    with pytest.raises(SampleError, match="found: none"):
        train_model(region.stack, samples[samples["split"] == "test"])


def test_a_class_of_one_sample_is_learned(region, samples):
    first = samples.index[(samples["code"] == "J2") & (samples["split"] == "train")][0]
    few = samples[(samples["code"] != "J2") | (samples.index == first)]
    assert "J2" in train_model(region.stack, few).codes


def test_a_file_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="missing"):
        load_model(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ModelFileError, match=r"text: not a model"):
        load_model(tmp_path / "text")
    with (tmp_path / "arrays").open("wb") as file:
        np.savez(file, x=np.arange(3))
    with pytest.raises(ModelFileError, match="not a model"):
        load_model(tmp_path / "arrays")


def test_a_model_of_another_version_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr("ml.compute.model_files.MODEL_FORMAT", MODEL_FORMAT + 1)
    save_model(model, tmp_path / "newer")
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match=rf"format {MODEL_FORMAT + 1}.*reads format {MODEL_FORMAT}"):
        load_model(tmp_path / "newer")


def test_a_full_disk_leaves_the_earlier_model_untouched(model, tmp_path, monkeypatch):
    (tmp_path / "m").write_bytes(b"earlier")

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(ComputeError, match="the disk is full"):
        save_model(model, tmp_path / "m")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("m", b"earlier")]


def test_the_candidates_are_scored_on_blocks_held_out_and_the_choice_is_printed(model):
    trials = model.report["candidates"]
    assert [trial["candidate"] for trial in trials] == ["forest", "small forest"]
    assert [trial["chosen"] for trial in trials] == [True, False]
    assert all(trial["cpu_seconds_per_million_cells"] > 0 for trial in trials)
    assert all(0.9 < trial["macro_f1"] <= 1 for trial in trials)


def test_a_stack_that_lacks_a_band_of_the_model_is_refused(region, model, tmp_path):
    save_model(model, tmp_path / "m")
    with pytest.raises(StackError, match="needs the band elevation"):
        classify_stack(region.stack[:1], tmp_path / "m", ClassifyOutputs(tmp_path / "c.tif"))
    empty = np.full((1, HEIGHT, WIDTH), NODATA, np.int16)
    hollow = write_stack_file(tmp_path / "hollow.tif", empty, ["elevation"])
    with pytest.raises(StackError, match=r"hollow\.tif: no band elevation holds data"):
        classify_stack([region.stack[0], hollow], tmp_path / "m", ClassifyOutputs(tmp_path / "c.tif"))
    assert not (tmp_path / "c.tif").exists()


@pytest.mark.parametrize("class_count", [2, 7, 40])
def test_a_packed_forest_votes_as_scikit_learn_does(class_count):
    rng = np.random.default_rng(class_count)
    levels = rng.integers(-32767, 32766, (600, 9)).astype(np.int16)
    classes = (levels[:, 0].astype(int) + 33000 + rng.integers(0, 9000, 600)) * class_count // 75000
    forest = ExtraTreesClassifier(20, min_samples_leaf=3, random_state=0).fit(levels, classes)
    shares = pack_forest(forest).shares(np.ascontiguousarray(levels.T))
    np.testing.assert_allclose(shares, forest.predict_proba(levels), atol=1e-4)


def test_the_setting_is_chosen_on_groups_that_were_held_out():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    classes = groups % 3
    # The second level tells the group, which says nothing of a group never seen.
    levels = np.column_stack([classes * 900 + rng.normal(0, 1500, 300), groups * 1000]).astype(np.int16)
    selection = select_setting(TrainingCells(levels, classes, groups, np.ones(300)), seed=0)
    assert max(selection.macro_f1.values()) < 0.8
    alone = TrainingCells(levels[:20], classes[:20] * 0, groups[:20], np.ones(20))
    assert select_setting(alone, seed=0).macro_f1 == {}


def test_sharpened_shares_keep_their_order_and_sum_to_one():
    shares = np.array([[0.5, 0.3, 0.2], [1, 0, 0]], np.float32)
    sharp = sharpen(shares, 2.0)
    np.testing.assert_allclose(sharp.sum(axis=1), 1, rtol=1e-6)
    assert sharp[0, 0] > 0.5 > sharp[0, 1] > sharp[0, 2]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "year", "floor"), [("slovenia", 2016, 0.496), ("slovenia", 2017, 0.451), ("rachel_carson", 2018, 0.92)]
)
def test_real_images_are_mapped_at_least_as_well_as_the_naive_baseline(name, year, floor, tmp_path):
    folder = read_region_folder(shared_path(f"data/regions/{name}"))
    frame, stack, scores = read_samples(folder, year), folder.stack_files(year), []
    for seed in range(3):
        save_model(train_model(stack, frame, options=TrainingOptions(seed=seed)), tmp_path / "m")
        classify_stack(stack, tmp_path / "m", ClassifyOutputs(tmp_path / "c.tif"), workers=2)
        scores.append(score_class_map(tmp_path / "c.tif", frame).macro_f1)
    assert statistics.median(scores) >= floor
