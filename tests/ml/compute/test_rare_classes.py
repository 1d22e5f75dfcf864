import numpy as np

from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.classmaps import class_codes, with_more_codes
from ml.compute.cross_validation import few_of_each
from ml.compute.hierarchy import Hierarchy
from ml.compute.rare_classes import learned_codes
from ml.compute.region.legend import LegendRow
from ml.compute.samples import read_sample_file
from ml.compute.training import TrainingOptions, save_model, train_model
from tests.ml.compute.tiny_regions import write_tiny_region

LEGEND = tuple(
    LegendRow(code, code, code, "#112233", parent, "", place)
    for place, (code, parent) in enumerate([("J", ""), ("J2", "J"), ("E1.2", ""), ("G1.7", "")])
)


def test_a_class_with_one_sample_is_learned_at_its_parent():
    learned = learned_codes(["E1", "E2", "E2", "G"], Hierarchy({"E1": "E", "E2": "E"}))
    assert dict(learned.at_parent) == {"E1": "E"}
    assert learned.alone == ("G",)
    assert [learned.of(code) for code in ("E1", "E2", "G")] == ["E", "E2", "G"]
    assert learned.notices() == [
        "E1: a single sample; learned at its parent E.",
        "G: a single sample and no parent in the legend; learned as it is, held out nowhere.",
    ]


def test_a_map_shows_the_parent_and_the_report_says_so(tmp_path):
    region = write_tiny_region(tmp_path / "tiny")
    samples = read_sample_file(region.samples_file, field="code")
    first = samples.index[(samples["code"] == "J2") & (samples["split"] == "train")][0]
    few = samples[(samples["code"] != "J2") | (samples.index == first)]
    model = train_model(region.stack, few, options=TrainingOptions(legend=LEGEND))
    assert model.codes == ("E1.2", "G1.7", "J")
    assert model.report["notices"] == ["J2: a single sample; learned at its parent J."]
    assert model.report["unlearned"] == ["J2"]
    save_model(model, tmp_path / "m")
    classify_stack(region.stack, tmp_path / "m", ClassifyOutputs(tmp_path / "c.tif"))
    assert set(class_codes(tmp_path / "c.tif").values()) == {"E1.2", "G1.7", "J2", "J"}


def test_more_codes_leave_the_values_of_a_map_as_they_are():
    assert with_more_codes({"1300": 1300, "2": 2}, ["LC1", "2", "7", "LC2"]) == {
        "1300": 1300,
        "2": 2,
        "LC1": 1,
        "7": 7,
        "LC2": 3,
    }
    assert with_more_codes({"E1": 1, "G": 2}, ["7", "E"]) == {"E1": 1, "G": 2, "7": 3, "E": 4}


def test_every_sample_keeps_some_of_its_cells():
    samples = np.repeat([0, 1, 2], [500, 3, 40])
    kept = few_of_each(samples, most=50, seed=0)
    assert np.bincount(samples[kept]).tolist() == [24, 3, 23]
    assert np.bincount(samples[few_of_each(samples, most=50, each=5, seed=0)]).tolist() == [5, 3, 5]
    assert few_of_each(np.empty(0, np.intp), most=5, seed=0).size == 0
