import json

from benchmarks import run


def test_a_peer_stands_beside_us_with_its_ratio():
    rows = [
        {"what": "tiles", "who": "bioccia", "value": 5.0, "unit": "ms", "aim": "< 25"},
        {"what": "tiles", "who": "tegola", "value": 12.5, "unit": "ms"},
        {"what": "alone", "who": "other", "value": 1.0, "unit": "s"},
    ]
    lines = run.table(rows).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == ["tiles", "bioccia", "5", "ms", "", "< 25"]
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == ["tiles", "tegola", "12.5", "ms", "x 2.50", ""]
    assert "x" not in lines[4].replace("| alone", "")


def test_rows_are_read_and_other_words_are_passed_on(tmp_path, capfd):
    row = {"what": "tiles", "who": "bioccia", "value": 5.0, "unit": "ms"}
    file = tmp_path / "bench_tiles.py"
    file.write_text(f"print('warming up')\nprint({json.dumps(json.dumps(row))})\nraise SystemExit(1)\n")
    assert run.run_benchmark(file) == ([row], False)
    assert "warming up" in capfd.readouterr().err
