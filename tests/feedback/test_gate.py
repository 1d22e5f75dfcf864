"""The gate of a release: each thing it asks for, and what it says where it does not hold."""

import pytest
from django.contrib.gis.geos import Polygon as Outline

from feedback.gate import checklist
from feedback.licences import put_together
from feedback.models import ReleaseThresholds, Round
from feedback.states import GateState, ReportState, RoundState
from habitats.models import AuditSample, Polygon, Vintage
from habitats.states import AuditState, VintageState
from territories.models import Region
from tests import factories
from tests.factories import MINUTE
from tests.factories.ground import AN_INSTANT
from tests.releases import correct, dropped_correction, ready_map

pytestmark = pytest.mark.django_db


@pytest.fixture
def vintage(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    return ready_map(tmp_path / "map")


def blocked(vintage):
    vintage = Vintage.objects.select_related("region", "version").get(pk=vintage.pk)
    return [line.code for line in checklist(vintage) if line.state == GateState.BLOCKING]


def line_of(vintage, code):
    return next(line for line in checklist(vintage) if line.code == code)


def test_a_year_that_did_all_it_had_to_passes(vintage):
    lines = checklist(vintage)
    assert {line.state for line in lines} == {GateState.HOLDS}
    assert not any(line.way_out for line in lines)


@pytest.mark.parametrize("state", [RoundState.PLANNED, RoundState.OPEN])
def test_an_unfinished_round_blocks_and_is_named(vintage, state):
    Round.objects.update(state=state)
    assert blocked(vintage) == ["rounds_are_closed"]
    assert "2024-essai" in line_of(vintage, "rounds_are_closed").sentence


def test_a_year_without_a_consultation_blocks(vintage):
    Round.objects.all().delete()
    assert blocked(vintage) == ["rounds_are_closed"]


@pytest.mark.parametrize("state", [ReportState.SUBMITTED, ReportState.AWAITING_FIELD, ReportState.DECISION_PROPOSED])
def test_a_report_that_waits_blocks(vintage, state):
    factories.ReportFactory(round=Round.objects.get(), state=state)
    assert blocked(vintage) == ["nothing_in_review"]
    assert line_of(vintage, "nothing_in_review").way_out


def test_a_draft_and_a_closed_report_do_not_block(vintage):
    factories.ReportFactory(round=Round.objects.get(), state=ReportState.REJECTED_SPEC)
    factories.ReportFactory(round=Round.objects.get(), state=ReportState.DRAFT)
    assert blocked(vintage) == []


def test_a_sealed_audit_sample_blocks(vintage):
    AuditSample.objects.update(state=AuditState.CLOSED, assessment=None)
    assert blocked(vintage) == ["audit_is_opened", "accuracy_is_reached"]
    AuditSample.objects.all().delete()
    assert blocked(vintage) == ["audit_is_opened", "accuracy_is_reached"]


def test_an_audit_sample_opened_on_another_map_blocks(vintage):
    other = factories.VintageFactory(region=vintage.region, replaced=True)
    AuditSample.objects.update(vintage=other)
    assert blocked(vintage) == ["audit_is_opened"]


def test_corrections_after_the_opening_are_counted_beside_the_accuracy_that_does_not_know_them(vintage):
    assert line_of(vintage, "audit_is_opened").details["corrections_since"] == 0
    AuditSample.objects.update(opened_at=AN_INSTANT - MINUTE)
    correct(vintage, 1, "J1.1")
    line = line_of(vintage, "audit_is_opened")
    assert (line.state, line.details["corrections_since"]) == (GateState.HOLDS, 1)
    assert "1 correction" in line.sentence


@pytest.mark.parametrize("asked", [{"overall_accuracy": 0.861}, {"macro_f1": 0.81}])
def test_a_threshold_that_is_not_reached_blocks(vintage, asked):
    ReleaseThresholds.objects.update(**asked)
    assert blocked(vintage) == ["accuracy_is_reached"]
    assert "0,860" in line_of(vintage, "accuracy_is_reached").sentence


def test_without_thresholds_nothing_is_reached(vintage):
    ReleaseThresholds.objects.all().delete()
    assert blocked(vintage) == ["accuracy_is_reached"]


def test_dropped_corrections_are_to_be_acknowledged(vintage):
    dropped_correction(vintage)
    assert blocked(vintage) == []
    assert line_of(vintage, "dropped_corrections_are_read").state == GateState.TO_ACKNOWLEDGE
    assert line_of(vintage, "dropped_corrections_are_read").details == {"dropped": 1}


@pytest.mark.parametrize("words", ["CC BY-NC 4.0", "licence not confirmed", "ask my uncle"])
def test_a_licence_that_forbids_or_is_not_known_blocks_and_is_named(vintage, words):
    Region.objects.update(licence=words)
    assert blocked(vintage) == ["licences_are_compatible"]
    vintage.region.refresh_from_db()
    assert vintage.region.name in line_of(vintage, "licences_are_compatible").sentence


def test_the_licence_of_releves_that_the_map_learned_from_counts(vintage):
    closed = factories.ReleveDatasetFactory(name="Carnets de 1998", licence="CC BY-NC")
    factories.ReleveFactory(dataset=closed)
    assert blocked(vintage) == []  # nobody learned from it
    factories.ReleveFactory(dataset=closed, sample=factories.SampleFactory(year=2024))
    assert blocked(vintage) == ["licences_are_compatible"]
    assert "Carnets de 1998" in line_of(vintage, "licences_are_compatible").sentence


def test_a_gap_between_polygons_blocks_and_is_named(vintage):
    polygon = Polygon.objects.get(vintage=vintage, number=2)
    west, south, east, north = polygon.geometry.extent
    ring = [(west, south), (east, south), (east, north), (west + (east - west) / 3, north), (west, south)]
    polygon.geometry = Outline(ring, srid=4326)
    polygon.version += 1
    polygon.save()
    assert blocked(vintage) == ["coverage_is_valid"]
    assert "2" in line_of(vintage, "coverage_is_valid").sentence


def test_a_map_that_is_not_working_and_an_open_run_block(vintage):
    factories.RunFactory(region=vintage.region, running=True)
    Vintage.objects.update(state=VintageState.PUBLISHED)
    assert blocked(vintage) == ["map_is_working", "no_run_is_open"]


@pytest.mark.parametrize(
    ("inputs", "licence"),
    [
        ({}, "Licence Ouverte 2.0"),
        ({"a": "", "b": "etalab-2.0"}, "Licence Ouverte 2.0"),
        ({"a": "Licence Ouverte 2.0", "b": "CC BY 4.0"}, "CC BY 4.0"),
        ({"a": "CC-BY-4.0", "b": "CC BY-SA 4.0"}, "CC BY-SA 4.0"),
        ({"a": "CC BY", "b": "ODbL"}, "ODbL 1.0"),
        ({"a": "CC BY-SA 4.0", "b": "ODbL"}, ""),
        ({"a": "CC BY-NC-SA 4.0"}, ""),
        ({"a": "MIT (source repository); licence of the land cover and relief not confirmed"}, ""),
    ],
)
def test_the_most_restrictive_licence_wins_and_two_that_clash_are_refused(inputs, licence):
    assert put_together(inputs).licence == licence
