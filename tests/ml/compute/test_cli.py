import json

import pytest

from ml.compute.__main__ import main
from tests.ml.compute.tiny_regions import write_tiny_region


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return write_tiny_region(tmp_path_factory.mktemp("cli") / "tiny")


def run(capsys, *words):
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out.strip().splitlines(), captured.err.strip()


def test_a_map_is_made_from_a_shell(region, tmp_path, capsys):
    model, classes = tmp_path / "m.model", tmp_path / "c.tif"
    train = ["train", "--stack", *region.stack, "--samples", region.samples_file, "--field", "code", "--seed", 2]
    train += ["--legend", region.path / "legend.csv", "--out", model, "--report", tmp_path / "r.json"]
    code, lines, _ = run(capsys, *train)
    assert code == 0
    report = json.loads(lines[-1])
    assert report == json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert (report["seed"], report["energy_method"]) == (2, "estimated")
    words = ["classify", "--stack", *region.stack, "--model", model, "--out", classes, "--workers", 2]
    code, lines, _ = run(capsys, *words, "--confidence", tmp_path / "k.tif", "--runner-ups", tmp_path / "ru.tif")
    assert code == 0
    assert json.loads(lines[-1])["cells_mapped"] == region.truth.size
    assert classes.exists()
    assert (tmp_path / "k.tif").exists()
    assert (tmp_path / "ru.tif").exists()


def test_bad_input_is_one_sentence_and_exit_code_2(region, tmp_path, capsys):
    words = ["train", "--stack", tmp_path / "no.tif", "--samples", region.samples_file, "--out", tmp_path / "m"]
    code, lines, sentence = run(capsys, *words)
    assert (code, lines) == (2, [])
    assert sentence == f"{tmp_path / 'no.tif'}: the raster is missing; add it or correct the path."
    assert not (tmp_path / "m").exists()


def test_every_command_explains_itself(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for command in ("train", "classify", "polygonise", "zonal", "compare", "assess"):
        assert command in text
        with pytest.raises(SystemExit):
            main([command, "--help"])
