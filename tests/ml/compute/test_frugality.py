import json
from types import SimpleNamespace

import pytest

from ml.compute.__main__ import main
from ml.compute.frugality import VintageAssumptions, pace_of
from ml.compute.samples import read_sample_file
from ml.compute.training import TrainingOptions, save_model, train_model
from tests.ml.compute.tiny_regions import write_tiny_region


def test_a_vintage_is_projected_from_the_pace_of_a_run():
    meter = SimpleNamespace(cpu_seconds=10.0, energy_wh=0.5)
    record = pace_of(meter, 5_000_000, VintageAssumptions(cells=500_000_000, processors=2, euros_per_cpu_hour=0.1))
    assert record["cells_per_cpu_second"] == 500_000
    vintage = record["vintage"]
    assert vintage["projected"] is True
    assert vintage["cpu_hours"] == pytest.approx(1000 / 3600, abs=1e-4)
    assert vintage["hours"] == pytest.approx(500 / 3600, abs=1e-4)
    assert vintage["euros"] == pytest.approx(100 / 3600, abs=1e-4)
    assert vintage["energy_wh"] == 50


def test_a_run_is_recorded_beside_the_alternative_not_taken(tmp_path, capsys):
    region = write_tiny_region(tmp_path / "tiny")
    samples = read_sample_file(region.samples_file, field="code")
    for mode in ("accurate", "frugal"):
        save_model(train_model(region.stack, samples, options=TrainingOptions(mode=mode)), tmp_path / mode)
    words = ["classify", "--stack", *region.stack, "--model", tmp_path / "frugal", "--out", tmp_path / "c.tif"]
    words += ["--beside", tmp_path / "accurate", "--vintage-cells", 727_000_000]
    assert main([str(word) for word in words]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["vintage"]["cells"] == 727_000_000
    assert record["cells_per_cpu_second"] > 0
    assert record["alternative"]["mode"] == "accurate"
    assert record["alternative"]["cpu_seconds_per_million_cells"] > 0
