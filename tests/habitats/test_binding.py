import datetime
import json

import numpy as np
import pytest
import shapely
from django.conf import settings

from habitats import binding
from habitats.actions import (
    copy_corrections,
    correct_outline,
    correct_polygons,
    revert_correction,
    store_report_sample,
)
from habitats.models import BoundCorrection, HabitatType, LegendEntry, Vintage
from habitats.queries import bindings_by_outcome, corrections_in_force, dropped_corrections
from habitats.states import DropReason, SampleSet
from ml.compute.errors import CoverageError
from ml.models import Artefact
from ml.run_session import working_on
from ml.storage import hash_file
from tests.factories import RunFactory, RunStepFactory, SampleFactory
from tests.factories.corrections import cells, decision, map_in_metres, mapped, next_day, three_stripes
from tests.ml.compute.rasters import write_class_map, write_raster

pytestmark = pytest.mark.django_db(transaction=True)
STRIPES = np.repeat([[1, 2, 3]], 10, axis=0).repeat(10, axis=1)
CODES = {"1": "A1", "2": "B1", "3": "C1", "4": "D1"}
OBSERVED = datetime.date(2024, 5, 1)


def habitat(code):
    return HabitatType.objects.get(code=code)


@pytest.fixture
def files(tmp_path, settings):
    settings.FILES_DIR = tmp_path
    return tmp_path


def artefact(file):
    """A file put in the store."""
    sha256 = hash_file(file)
    folder = settings.FILES_DIR / "artefacts" / sha256[:2]
    folder.mkdir(parents=True, exist_ok=True)
    file.replace(folder / f"{sha256}.tif")
    facts = {"suffix": ".tif", "size_bytes": 1, "created_at": next_day()}
    return Artefact.objects.get_or_create(sha256=sha256, defaults=facts)[0]


def with_rasters(vintage, classes, confidence, files):
    classes = np.asarray(classes)
    class_map = write_class_map(files / "classes.tif", classes, codes=CODES, dtype="uint8")
    sure = write_raster(files / "sure.tif", np.broadcast_to(confidence, classes.shape), dtype="uint8", nodata=255)
    vintage.classes, vintage.confidence = artefact(class_map), artefact(sure)
    vintage.save()
    return vintage


def next_map(classes=STRIPES, year=2025, *, confidence=95, files=None):
    """The map of a later year as the load step leaves it, with the corrections of the earlier ones bound."""
    vintage = mapped(classes, year=year, building=True)
    if files:
        with_rasters(vintage, classes, confidence, files)
    run = RunFactory(year=year)
    RunStepFactory(run=run, name="load", finished=True, outputs={"vintage": vintage.pk})
    with working_on(run.pk) as session:
        session.play([("bind_corrections", binding.bind_corrections, 1)])
    run.refresh_from_db()
    run.state, run.ended_at = "finished", run.heartbeat_at
    run.save()
    return vintage


def corrected(vintage, code="D1", outline=None, **options):
    source = {"observed_on": OBSERVED} | {name: options.pop(name) for name in ("at", "observed_on") if name in options}
    return correct_outline(
        vintage=vintage,
        outline=outline or cells(2, 2, 8, 8),
        to_type=habitat(code),
        seen=[],
        **options,
        **decision(**source),
    )


def facts(vintage):
    rows = vintage.polygons.order_by("number").values_list("number", "version", "habitat_type__code", "area_m2")
    return [(number, version, code, round(area)) for number, version, code, area in rows]


def is_whole(vintage):
    shapes, _codes = map_in_metres(vintage)
    vintage.refresh_from_db()
    return shapely.coverage_is_valid(shapes, gap_width=0.001) and vintage.polygon_count == len(shapes)


def test_a_correction_holds_on_the_next_map():
    corrected(three_stripes())
    vintage = next_map()
    assert facts(vintage) == [(1, 2, "A1", 6400), (2, 1, "B1", 10_000), (3, 1, "C1", 10_000), (4, 1, "D1", 3600)]
    assert bindings_by_outcome(vintage) == {"bound": 1, "agrees": 0, "dropped": 0}
    assert is_whole(vintage)


def test_a_correction_taken_over_in_year_two_holds_in_year_three():
    correction = corrected(three_stripes())
    second = next_map()
    Vintage.objects.filter(pk=second.pk).update(state="working")
    third = next_map(year=2026)
    assert facts(third)[3] == (4, 1, "D1", 3600)
    assert BoundCorrection.objects.get(vintage=third).correction == correction


def test_where_the_new_map_agrees_nothing_is_drawn():
    corrected(three_stripes())
    classes = STRIPES.copy()
    classes[2:8, 2:8] = 4
    vintage = next_map(classes)
    assert [row[1] for row in facts(vintage)] == [1] * 4
    assert bindings_by_outcome(vintage)["agrees"] == 1


def test_a_correction_taken_back_binds_no_more():
    correction = corrected(three_stripes())
    revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    vintage = next_map()
    assert not BoundCorrection.objects.exists()
    assert len(facts(vintage)) == 3


def test_a_map_made_again_the_same_year_keeps_what_was_decided_on_the_one_before():
    corrected(three_stripes(replaced=False))
    vintage = next_map(year=2024)
    assert facts(vintage)[3][2] == "D1"


def test_a_newer_sample_of_another_habitat_ends_a_corrections_hold():
    correction = corrected(three_stripes())
    sample = SampleFactory(
        habitat_type=habitat("C1"), geometry=cells(4, 4, 6, 6), observed_on=datetime.date(2025, 4, 2), year=2025
    )
    vintage = next_map()
    dropped = dropped_corrections(vintage).get()
    assert (dropped.correction, dropped.reason) == (correction, DropReason.NEWER_SAMPLE)
    assert dropped.evidence["sample"] == sample.key
    assert len(facts(vintage)) == 3


@pytest.mark.parametrize(
    "sample",
    [
        {"observed_on": datetime.date(2024, 4, 2)},
        {"observed_on": None},
        {"audit": True},
        {"retired": True},
        {"geometry": cells(20, 2, 24, 4)},
        {"geometry": cells(8, 2, 9, 4)},
        {"geometry": cells(7, 2, 12, 4)},
        {"habitat_type__code": "D1"},
        {"year": 2030},
    ],
)
def test_only_a_newer_sample_in_service_on_the_place_that_says_otherwise_counts(sample):
    corrected(three_stripes())
    place = {"geometry": cells(4, 4, 6, 6), "observed_on": datetime.date(2025, 4, 2), "year": 2025}
    SampleFactory(**{**place, "habitat_type__code": "C1", **sample})
    assert bindings_by_outcome(next_map())["bound"] == 1


def test_images_that_changed_beyond_doubt_end_a_corrections_hold(files):
    with_rasters(earlier := three_stripes(), STRIPES, 80, files)
    corrected(earlier)
    classes = STRIPES.copy()
    classes[1:9, 1:9] = 3  # neither what stood there nor what was decided
    vintage = next_map(classes, files=files)
    dropped = dropped_corrections(vintage).get()
    assert (dropped.reason, dropped.evidence["habitat"]) == (DropReason.IMAGE_CHANGE, "C1")


@pytest.mark.parametrize(("value", "confidence"), [(3, 80), (1, 95), (2, 95)])
def test_doubtful_images_or_the_habitat_of_before_do_not_end_a_corrections_hold(files, value, confidence):
    """B1 stood on a part of the ground before it was decided."""
    with_rasters(earlier := three_stripes(), STRIPES, 80, files)
    corrected(earlier, outline=cells(2, 2, 12, 8))
    classes = STRIPES.copy()
    classes[1:9, 1:13] = value
    assert bindings_by_outcome(next_map(classes, confidence=confidence, files=files))["bound"] == 1


def test_a_later_decision_on_the_same_ground_is_the_one_that_holds():
    earlier = three_stripes()
    first = corrected(earlier)
    second = corrected(earlier, "C1", at=next_day())
    vintage = next_map()
    assert facts(vintage)[3][2:] == ("C1", 3600)
    assert BoundCorrection.objects.get(correction=first).reason == DropReason.DECISION
    assert BoundCorrection.objects.get(correction=second).outcome == "bound"


def test_a_later_decision_on_a_part_leaves_the_rest_to_the_earlier_one():
    earlier = three_stripes()
    corrected(earlier)
    corrected(earlier, "C1", cells(5, 2, 8, 8), at=next_day())
    vintage = next_map()
    areas = {code: sum(row[3] for row in facts(vintage) if row[2] == code) for code in ("C1", "D1")}
    assert areas == {"C1": 11_800, "D1": 1800}
    assert is_whole(vintage)


def test_what_a_shown_map_dropped_does_not_come_back_later():
    corrected(three_stripes())
    sample = SampleFactory(
        habitat_type=habitat("C1"), geometry=cells(4, 4, 6, 6), observed_on=datetime.date(2025, 4, 2), year=2025
    )
    second = next_map()
    Vintage.objects.filter(pk=second.pk).update(state="published")
    sample.delete()
    third = next_map(year=2026)
    assert not BoundCorrection.objects.filter(vintage=third).exists()


def test_a_habitat_that_left_the_legend_is_dropped_and_said():
    corrected(three_stripes())
    vintage_habitat = habitat("D1")
    LegendEntry.objects.filter(habitat_type=vintage_habitat).delete()
    classes = mapped(STRIPES, year=2025, building=True)
    LegendEntry.objects.filter(habitat_type=vintage_habitat).delete()
    run = RunFactory(year=2025)
    RunStepFactory(run=run, name="load", finished=True, outputs={"vintage": classes.pk})
    with working_on(run.pk) as session:
        session.play([("bind_corrections", binding.bind_corrections, 1)])
    assert dropped_corrections(classes).get().evidence == {"legend": "D1"}


def test_binding_again_after_a_crash_gives_the_same_rows(monkeypatch):
    earlier = three_stripes()
    corrected(earlier, outline=cells(2, 2, 8, 8))
    corrected(earlier, "B1", cells(22, 2, 28, 8), at=next_day())
    expected = facts(next_map())
    vintage = mapped(STRIPES, year=2026, building=True)
    run = RunFactory(year=2026)
    RunStepFactory(run=run, name="load", finished=True, outputs={"vintage": vintage.pk})
    real, calls = binding._bind, []

    def dies_at_the_second(*given):
        calls.append(given)
        if len(calls) == 2:
            raise ConnectionError
        return real(*given)

    monkeypatch.setattr(binding, "_bind", dies_at_the_second)
    with pytest.raises(ConnectionError), working_on(run.pk) as session:
        session.play([("bind_corrections", binding.bind_corrections, 1)])
    assert [row[1] for row in facts(vintage)] == [1, 1, 1]
    with working_on(run.pk) as session:
        session.play([("bind_corrections", binding.bind_corrections, 1)])
    assert facts(vintage) == expected


def test_a_revert_takes_back_what_a_working_map_has_taken_over():
    earlier = three_stripes()
    correction = corrected(earlier)
    Vintage.objects.filter(pk=earlier.pk).update(state="published")
    second = next_map()
    Vintage.objects.filter(pk=second.pk).update(state="working")
    revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    assert [row[2:] for row in facts(second)] == [("A1", 10_000), ("B1", 10_000), ("C1", 10_000)]
    assert [row[2] for row in facts(earlier)] == ["A1", "B1", "C1", "D1"]
    assert corrections_in_force(second) == []


def test_the_corrections_of_a_map_hold_on_its_copy_and_can_be_taken_back_there():
    earlier = three_stripes(published=True)
    Vintage.objects.filter(pk=earlier.pk).update(state="working")
    correction = corrected(earlier)
    Vintage.objects.filter(pk=earlier.pk).update(state="published")
    copy = Vintage.objects.get(pk=earlier.pk)
    copy.pk, copy.state, copy._state.adding = None, "working", True
    copy.save()
    for polygon in earlier.polygons.all():
        polygon.pk, polygon.vintage, polygon._state.adding = None, copy, True
        polygon.save()
    assert copy_corrections(earlier=earlier, vintage=copy) == 1
    assert [one.correction for one in corrections_in_force(copy)] == [correction]
    revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    assert [row[2] for row in facts(copy)] == ["A1", "B1", "C1"]


def test_whole_polygons_bind_by_their_ground():
    earlier = three_stripes()
    correct_polygons(vintage=earlier, polygons=[(2, 1)], to_type=habitat("D1"), **decision())
    classes = STRIPES.copy()
    classes[:, 8:12] = 1  # the new map draws the border elsewhere
    vintage = next_map(classes)
    shapes, codes = map_in_metres(vintage)
    areas = dict.fromkeys(codes.values(), 0)
    for shape, code in zip(shapes, codes.values(), strict=True):
        areas[code] += round(shape.area)
    assert areas == {"A1": 10_000, "C1": 10_000, "D1": 10_000}


def test_where_the_new_map_has_no_data_a_correction_is_dropped_and_said():
    corrected(three_stripes(), outline=cells(22, 2, 28, 8))
    classes = STRIPES.copy()
    classes[:, 19:] = 0
    assert dropped_corrections(next_map(classes)).get().evidence == {"unmapped": True}


def test_the_evidence_can_be_kept_as_json(files):
    with_rasters(earlier := three_stripes(), STRIPES, 80, files)
    corrected(earlier)
    classes = STRIPES.copy()
    classes[1:9, 1:9] = 3
    binding_row = dropped_corrections(next_map(classes, files=files)).get()
    assert json.dumps(binding_row.evidence)


def test_a_report_sample_does_not_end_the_hold_of_its_own_correction():
    correction = corrected(three_stripes(), observed_on=datetime.date(2024, 6, 2))
    sample = store_report_sample(correction=correction, at=next_day())
    assert sample.sample_set in (SampleSet.TRAINING, SampleSet.SELECTION)
    assert bindings_by_outcome(next_map())["bound"] == 1


def test_a_correction_that_no_drawing_fits_into_the_new_map_is_dropped_and_said(monkeypatch):
    corrected(three_stripes())

    def refuse(*_arguments, **_rules):
        raise CoverageError("a gap")

    monkeypatch.setattr("habitats.actions.corrections.neighbourhood.repaint", refuse)
    vintage = next_map()
    assert dropped_corrections(vintage).get().reason == "undrawable"
    assert is_whole(vintage)
