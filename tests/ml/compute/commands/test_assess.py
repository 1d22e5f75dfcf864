import json

import pytest

from ml.compute.commands import assess
from ml.compute.errors import AuditError
from tests.ml.compute.commands.running import run_command


def test_a_confusion_matrix_with_areas_becomes_a_report(tmp_path):
    (tmp_path / "c.csv").write_text("map,E1,F3,H2\nE1,40,3,0\nF3,2,30,1\nH2,1,0,2\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text("class,area_ha\nE1,50\nF3,40\nH2,1\n", encoding="utf-8")
    out = tmp_path / "report.json"
    answer = run_command(assess, "--confusion", tmp_path / "c.csv", "--areas", tmp_path / "a.csv", "--out", out)
    report = json.loads(out.read_text(encoding="utf-8"))
    assert answer == {**report, "out": str(out)}
    assert report["method"] == "Olofsson et al. 2014"
    assert report["points"] == 79
    assert report["classes"]["H2"]["users_accuracy"] == "not assessable"
    assert set(report["overall_accuracy"]) == {"estimate", "standard_error", "half_width_95", "low_95", "high_95"}


def test_points_of_other_strata_are_assessed_as_such(tmp_path):
    rows = ["north,E1,E1,0.25"] * 30 + ["north,E1,F3,0.25"] * 10 + ["south,F3,F3,0.75"] * 40
    (tmp_path / "audit.csv").write_text("\n".join(["stratum,map,reference,weight", *rows]), encoding="utf-8")
    report = run_command(assess, "--samples", tmp_path / "audit.csv", "--out", tmp_path / "r.json")
    assert report["method"] == "Stehman 2014"
    assert report["overall_accuracy"]["estimate"] == pytest.approx(0.25 * 0.75 + 0.75)


def test_a_confusion_matrix_without_areas_is_refused(tmp_path):
    (tmp_path / "c.csv").write_text("map,E1\nE1,4\n", encoding="utf-8")
    with pytest.raises(AuditError, match="--areas"):
        run_command(assess, "--confusion", tmp_path / "c.csv", "--out", tmp_path / "r.json")
