import hashlib
import json
import subprocess
import sys
import time

import numpy as np
import pytest
import rasterio

from ml.compute import classify
from ml.compute.classify import ClassifyOutputs, class_codes, classify_stack
from ml.compute.classmaps import class_values
from ml.compute.errors import ComputeError
from ml.compute.region import read_region_folder
from ml.compute.samples import read_sample_file
from ml.compute.scores import score_class_map
from ml.compute.training import TrainingOptions, save_model, train_model
from tests.ml.compute.rasters import REPOSITORY
from tests.ml.compute.tiny_regions import CODES, NODATA, TRANSFORM, write_stack_file, write_tiny_region


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return write_tiny_region(tmp_path_factory.mktemp("classify") / "tiny")


@pytest.fixture(scope="module")
def model_path(region):
    samples = read_sample_file(region.samples_file, field="code")
    path = region.path / "model"
    save_model(train_model(region.stack, samples, options=TrainingOptions(legend=legend_of(region))), path)
    return path


def legend_of(region):
    return read_region_folder(region.path).legend


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of 16 cells: a map of twenty of them takes a moment."""
    monkeypatch.setattr(classify, "WINDOW", 16)


def outputs_in(folder):
    return ClassifyOutputs(folder / "classes.tif", folder / "confidence.tif", folder / "runner_ups.tif")


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.tif"))}


def test_the_map_finds_the_stripes(region, model_path, tmp_path):
    counts = classify_stack(region.stack, model_path, outputs_in(tmp_path))
    assert counts["cells_mapped"] == counts["cells"] == region.truth.size
    with rasterio.open(tmp_path / "classes.tif") as source:
        classes = source.read(1)
        assert (source.nodata, source.dtypes[0], source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"]) == (0, "uint8", "COG")
        assert json.loads(source.tags()["CLASSES"]) == {"1": "E1.2", "2": "G1.7", "3": "J2"}
        assert source.colormap(1)[1] == (0xAA, 0xBB, 0x33, 255)
    assert (classes == region.truth + 1).mean() > 0.95
    samples = read_sample_file(region.samples_file, field="code")
    assert score_class_map(tmp_path / "classes.tif", samples).macro_f1 > 0.95


def test_confidence_and_runner_ups_agree_with_the_classes(region, model_path, tmp_path):
    classify_stack(region.stack, model_path, outputs_in(tmp_path))
    read = {path.stem: rasterio.open(path).read() for path in tmp_path.glob("*.tif")}
    confidence, (first, first_share, second, second_share) = read["confidence"][0], read["runner_ups"]
    assert confidence.max() <= 100
    assert (confidence >= first_share).all()
    assert (first_share >= second_share).all()
    assert (first != read["classes"][0]).all()
    assert ((second == 0) == (second_share == 0))[second == 0].all()


@pytest.mark.usefixtures("small_windows")
def test_the_bytes_do_not_depend_on_workers_or_interruptions(region, model_path, tmp_path):
    one, two, resumed = (tmp_path / name for name in ("one", "two", "resumed"))
    classify_stack(region.stack, model_path, outputs_in(one), workers=1)
    classify_stack(region.stack, model_path, outputs_in(two), workers=2)

    class StoppedError(Exception):
        pass

    def stop_at_five(done, total):
        assert total == 16
        if done == 5:
            raise StoppedError

    work = tmp_path / "work"
    with pytest.raises(StoppedError):
        classify_stack(region.stack, model_path, outputs_in(resumed), work_dir=work, progress=stop_at_five)
    assert not resumed.exists() or not hashes(resumed)
    counts = classify_stack(region.stack, model_path, outputs_in(resumed), work_dir=work)
    assert 5 <= counts["windows_resumed"] < 16
    assert hashes(one) == hashes(two) == hashes(resumed)
    assert len(hashes(one)) == 3
    assert not work.exists()


@pytest.mark.usefixtures("small_windows")
def test_windows_of_another_model_are_forgotten(region, model_path, tmp_path):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classify_stack(region.stack, model_path, outputs_in(tmp_path), work_dir=tmp_path / "w", progress=stop)
    (tmp_path / "w" / "mine.txt").write_text("kept")
    samples = read_sample_file(region.samples_file, field="code")
    save_model(train_model(region.stack, samples, options=TrainingOptions(seed=5)), tmp_path / "other")
    counts = classify_stack(region.stack, tmp_path / "other", outputs_in(tmp_path), work_dir=tmp_path / "w")
    assert counts["windows_resumed"] == 0
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["mine.txt"]


@pytest.mark.usefixtures("small_windows")
def test_a_killed_process_resumes_and_gives_the_same_map(region, model_path, tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from ml.compute import classify as c; c.WINDOW = 16\n"
        "model, out, work, *stack = map(Path, sys.argv[1:])\n"
        "wait = lambda done, total: time.sleep(60 if done == 4 else 0)\n"
        "c.classify_stack(stack, model, c.ClassifyOutputs(out), work_dir=work, progress=wait)\n"
    )
    work, output = tmp_path / "work", tmp_path / "killed.tif"
    words = [str(word) for word in (model_path, output, work, *region.stack)]
    killed = subprocess.Popen([sys.executable, "-c", script, *words], cwd=REPOSITORY)
    deadline = time.monotonic() + 60
    while len(list(work.glob("window-*.npz"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert not output.exists()
    counts = classify_stack(region.stack, model_path, ClassifyOutputs(output), work_dir=work)
    assert counts["windows_resumed"] >= 4
    classify_stack(region.stack, model_path, ClassifyOutputs(tmp_path / "whole.tif"))
    assert output.read_bytes() == (tmp_path / "whole.tif").read_bytes()


def test_cells_never_seen_stay_without_data(region, model_path, tmp_path):
    with rasterio.open(region.stack[0]) as source:
        bands, names = source.read(), list(source.descriptions)
    bands[:, :10, :10] = NODATA
    # Seen once: enough to be mapped.
    bands[2, 4, 4] = 4000
    ndvi = write_stack_file(tmp_path / "ndvi.tif", bands, names)
    with rasterio.open(ndvi, "r+") as target:
        target.scales = (0.0001,) * 5
    classify_stack([ndvi, region.stack[1]], model_path, outputs_in(tmp_path))
    with rasterio.open(tmp_path / "classes.tif") as classes, rasterio.open(tmp_path / "confidence.tif") as sure:
        corner = classes.read(1)[:10, :10]
        assert (corner == 0).sum() == 99
        assert corner[4, 4] > 0
        assert (sure.read(1)[:10, :10] == 255).sum() == 99


def test_integer_codes_are_kept_as_cell_values(region, tmp_path):
    samples = read_sample_file(region.samples_file, field="code")
    samples["code"] = samples["code"].map(dict(zip(CODES, ("1300", "2000", "22531"), strict=True)))
    save_model(train_model(region.stack, samples), tmp_path / "m")
    classify_stack(region.stack, tmp_path / "m", ClassifyOutputs(tmp_path / "c.tif"))
    with rasterio.open(tmp_path / "c.tif") as source:
        assert source.dtypes[0] == "uint16"
        assert set(np.unique(source.read(1))) <= {1300, 2000, 22531}
    assert class_codes(tmp_path / "c.tif") == {1300: "1300", 2000: "2000", 22531: "22531"}


def test_other_codes_are_numbered_in_the_order_of_the_legend():
    assert class_values(["B", "A", "C"], ["C", "A"]) == {"C": 1, "A": 2, "B": 3}
    assert class_values(["2", "10"]) == {"2": 2, "10": 10}
    assert class_values(["0", "10"]) == {"0": 1, "10": 2}
    assert class_values(["65536", "10"]) == {"10": 1, "65536": 2}


def test_without_the_tag_the_integers_are_the_codes(tmp_path):
    path = write_stack_file(tmp_path / "c.tif", np.array([[[0, 7], [9, 7]]], np.uint16), ["class"], nodata=0)
    assert class_codes(path) == {7: "7", 9: "9"}


def test_a_full_disk_leaves_the_earlier_map_untouched(region, model_path, tmp_path, monkeypatch):
    import errno

    (tmp_path / "classes.tif").write_bytes(b"earlier")

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(ComputeError, match="the disk is full"):
        classify_stack(region.stack, model_path, outputs_in(tmp_path))
    assert (tmp_path / "classes.tif").read_bytes() == b"earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["classes.tif"]


def test_a_model_maps_another_year_with_other_dates(region, model_path, tmp_path):
    with rasterio.open(region.stack[0]) as source:
        bands = source.read([1, 3, 5])
    ndvi = write_stack_file(
        tmp_path / "ndvi.tif", bands, ["2025-03-12_NDVI", "2025-06-20_NDVI", "2025-10-10_NDVI"], transform=TRANSFORM
    )
    with rasterio.open(ndvi, "r+") as target:
        target.scales = (0.0001,) * 3
    classify_stack([ndvi, region.stack[1]], model_path, ClassifyOutputs(tmp_path / "c.tif"))
    with rasterio.open(tmp_path / "c.tif") as source:
        assert (source.read(1) == region.truth + 1).mean() > 0.9
