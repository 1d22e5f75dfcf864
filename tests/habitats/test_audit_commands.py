import json

import pytest
from django.core.management import CommandError, call_command

from habitats import actions
from habitats.models import AuditSample
from tests import factories
from tests.habitats.audit_cases import AT, interpreters, label, legend_of_three, published_map, working_map

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mapped(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    settings.FILES_DIR.mkdir()
    habitats = legend_of_three()
    published_map(tmp_path)
    return habitats


def last_line(capsys):
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_the_console_draws_and_says_what_is_public(capsys):
    call_command("draw_audit_sample", year=2024, size=60, seed=8)
    said = last_line(capsys)
    audit = AuditSample.objects.get()
    assert (said["sha256"], said["seed"], said["size"]) == (audit.sha256, 8, 60)
    assert sum(said["points_by_stratum"].values()) == 60
    assert "points" not in said


def test_a_draw_that_comes_too_late_fails_with_its_sentence(mapped):
    working_map(mapped)
    with pytest.raises(CommandError, match="2024"):
        call_command("draw_audit_sample", year=2024, size=60, seed=8)


def test_the_console_opens_and_prints_the_assessment(mapped, capsys, tmp_path):
    call_command("draw_audit_sample", year=2024, size=40, seed=8)
    audit = AuditSample.objects.get()
    people = interpreters(2)
    for point in audit.points.all():
        for person in people:
            label(point, mapped[0], person)
    actions.close_labelling(audit=audit, at=AT)
    with pytest.raises(CommandError, match="2024"):
        call_command("open_audit", 2024)
    working_map(mapped[:1])
    call_command("open_audit", 2024, json=str(tmp_path / "accuracy.json"))
    assert last_line(capsys)["overall_accuracy"]["estimate"] == 1
    assert json.loads((tmp_path / "accuracy.json").read_text())["points"] == 40
    assert factories.RegionFactory().audit_samples.get().is_opened
