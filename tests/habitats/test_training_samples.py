"""What a training may see of the samples that reports left, year after year."""

import datetime

import geopandas as gpd
import pytest
from affine import Affine
from django.conf import settings as django_settings
from rasterio.crs import CRS

from bioccia.errors import StateForbidsError
from habitats import retraining
from habitats.actions import correct_outline, retire_sample, revert_correction, store_report_sample
from habitats.models import BoundCorrection, HabitatType, Sample, Vintage
from habitats.queries import training_samples
from habitats.states import SampleOrigin, SampleSet
from ml.compute.grids import Grid
from ml.compute.samples import learning_cells
from ml.models import TrainingSet
from ml.run_session import working_on
from ml.storage import path_of
from tests.factories import AN_INSTANT, RunFactory, SampleFactory
from tests.factories.corrections import CELL, NORTH, WEST, cells, decision, next_day, three_stripes

pytestmark = pytest.mark.django_db(transaction=True)
OBSERVED = datetime.date(2024, 5, 1)


def habitat(code):
    return HabitatType.objects.get(code=code)


def corrected(vintage=None, code="D1", outline=None, **facts):
    return correct_outline(
        vintage=vintage or three_stripes(),
        outline=outline or cells(2, 2, 8, 8),
        to_type=habitat(code),
        **decision(**{"observed_on": OBSERVED, "source": "report:abc", **facts}),
    )


def sampled(correction, **options):
    """The sample of a correction, in the training set whatever its block drew."""
    sample = store_report_sample(correction=correction, at=AN_INSTANT, **options)
    Sample.objects.filter(pk=sample.pk).update(sample_set=SampleSet.TRAINING)
    sample.refresh_from_db()
    return sample


def keys(year):
    return [one.sample.key for one in training_samples(year)]


def frozen(year, tmp_path, settings):
    settings.FILES_DIR = tmp_path
    run = RunFactory(year=year)
    with working_on(run.pk) as session:
        session.play([("freeze", retraining.freeze, 1)])
    run.refresh_from_db()
    run.state, run.ended_at = "stopped", run.heartbeat_at
    run.save()
    training_set = TrainingSet.objects.order_by("-pk").first()
    return training_set, gpd.read_parquet(path_of(training_set.artefact))


def test_an_accepted_report_becomes_a_sample_of_the_year_of_the_map():
    correction = corrected()
    sample = store_report_sample(correction=correction, at=AN_INSTANT)
    assert sample.key == "report:abc:1"  # no primary key: it depends on what was undone before
    assert (sample.year, sample.origin, sample.habitat_type.code) == (2024, SampleOrigin.REPORT, "D1")
    assert sample.weight == django_settings.REPORT_SAMPLE_WEIGHT
    assert sample.geometry == correction.geometry
    correction.refresh_from_db()
    assert correction.sample == sample


@pytest.mark.parametrize(
    ("observed_on", "dated", "year"),
    [
        (None, False, 2024),
        (datetime.date(2024, 12, 31), False, 2024),
        (datetime.date(2025, 3, 2), False, 2025),
        (datetime.date(2025, 3, 2), True, 2024),
    ],
)
def test_a_label_describes_the_year_of_the_images_only_where_its_evidence_does(observed_on, dated, year):
    correction = corrected(observed_on=observed_on)
    assert store_report_sample(correction=correction, is_dated_in_year=dated, at=AN_INSTANT).year == year


@pytest.mark.parametrize("held", [SampleSet.TRAINING, SampleSet.SELECTION])
def test_a_report_joins_the_set_of_its_block_and_never_the_audit_sample(held):
    vintage = three_stripes()
    around = cells(1, 1, 2, 2)
    SampleFactory(geometry=around, sample_set=held, given_split="test" if held == SampleSet.SELECTION else "train")
    SampleFactory(geometry=around, audit=True)
    assert store_report_sample(correction=corrected(vintage), at=AN_INSTANT).sample_set == held


def test_a_report_in_a_selection_block_neither_trains_nor_scores():
    sample = sampled(corrected())
    Sample.objects.filter(pk=sample.pk).update(sample_set=SampleSet.SELECTION)
    assert keys(2024) == []


def test_only_interior_cells_of_a_report_are_learned():
    correction = corrected(outline=cells(1.6, 1.6, 8.4, 8.4))
    place = correction.geometry.transform(2154, clone=True)
    frame = gpd.GeoDataFrame(geometry=gpd.GeoSeries.from_wkb([bytes(place.wkb)]), crs=2154)
    grid = Grid(30, 10, Affine(CELL, 0, WEST, 0, -CELL, NORTH), CRS.from_epsg(2154))
    found = learning_cells(frame, grid)
    assert (found.rows.min(), found.rows.max(), found.columns.min(), found.columns.max()) == (2, 7, 2, 7)
    assert found.rows.size == 36


def test_the_next_year_learns_from_a_report_whose_correction_still_holds(settings):
    settings.CARRIED_SAMPLE_DECAY = 0.5
    sample = sampled(corrected(), weight=0.8)
    (own,), (carried,), (older,) = training_samples(2024), training_samples(2025), training_samples(2026)
    assert (own.sample, own.weight, own.is_carried) == (sample, 0.8, False)
    assert (carried.sample, carried.weight, carried.is_carried) == (sample, 0.4, True)
    assert older.weight == pytest.approx(0.2)


def test_other_samples_of_earlier_years_are_not_carried():
    SampleFactory(year=2024)
    assert keys(2025) == []


def test_a_report_taken_back_teaches_nothing_any_more_and_its_sample_is_kept_retired():
    vintage = three_stripes()
    correction = corrected(vintage)
    sample = sampled(correction)
    assert keys(2024) == keys(2025) == [sample.key]
    revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    sample.refresh_from_db()
    assert sample.retired_at == next_day()
    assert keys(2024) == keys(2025) == []
    assert sorted(vintage.polygons.values_list("habitat_type__code", flat=True)) == ["A1", "B1", "C1"]


def test_a_sample_is_retired_once_and_its_history_says_why():
    sample = sampled(corrected())
    retire_sample(sample=sample, at=next_day(), reason="Mistaken.")
    retire_sample(sample=sample, at=next_day(9), reason="Again.")
    assert sample.retired_at == next_day()
    last = Sample.pgh_event_model.objects.filter(pgh_obj_id=sample.pk).order_by("-pgh_id").first()
    assert last.pgh_context.metadata["reason"] == "Mistaken."


def test_a_correction_leaves_one_sample():
    correction = corrected()
    store_report_sample(correction=correction, at=AN_INSTANT)
    with pytest.raises(StateForbidsError):
        store_report_sample(correction=correction, at=AN_INSTANT)


def test_a_newer_sample_that_says_otherwise_ends_the_carrying():
    sampled(corrected())
    newer = SampleFactory(
        habitat_type=habitat("C1"), geometry=cells(4, 4, 6, 6), observed_on=datetime.date(2025, 4, 2), year=2025
    )
    assert keys(2025) == [newer.key]


def test_a_later_decision_on_most_of_the_place_ends_the_carrying():
    vintage = three_stripes()
    sampled(corrected(vintage))
    corrected(vintage, "C1", cells(2, 2, 7, 8), at=next_day())
    assert keys(2025) == []


def test_a_correction_that_a_shown_map_dropped_is_not_carried_on():
    correction = corrected()
    sampled(correction)
    vintage = three_stripes(year=2025)
    BoundCorrection.objects.create(
        correction=correction, vintage=vintage, outcome="dropped", reason="image_change", geometry=correction.geometry
    )
    assert keys(2026) == []
    Vintage.objects.filter(pk=vintage.pk).update(state="replaced")
    assert len(keys(2026)) == 1


def test_the_frozen_rows_say_their_origin_and_year_and_the_card_what_came_from_reports(tmp_path, settings):
    settings.CARRIED_SAMPLE_DECAY = 0.5
    vintage = three_stripes()
    sampled(corrected(vintage), weight=1.0)
    SampleFactory(year=2025, geometry=cells(12, 2, 14, 4), habitat_type=habitat("B1"))
    training_set, rows = frozen(2025, tmp_path, settings)
    reports = rows[rows["origin"] == "report"]
    assert reports[["year", "carried", "weight"]].to_numpy().tolist() == [[2024, True, 0.5]]
    assert training_set.counts["by_origin"] == {"carried": 1, "releve": 1}
    assert training_set.counts["from_reports"] == {
        "samples": 1,
        "carried": 1,
        "set_aside": 0,
        "weight": 0.5,
        "weight_share": 0.3333,
        "by_year": {"2024": 1},
    }


def test_the_ground_of_a_report_inside_a_selection_block_is_cut_off(tmp_path, settings):
    vintage = three_stripes()
    sampled(corrected(vintage, outline=cells(0, 0, 30, 10)))
    SampleFactory(geometry=cells(25, 2, 27, 4), habitat_type=habitat("C1"), selection=True)
    settings.REPORT_SAMPLE_CELLS = 10_000
    _training_set, rows = frozen(2024, tmp_path, settings)
    place = rows[rows["origin"] == "report"].geometry.iloc[0]
    tested = rows[rows["split"] == "test"].geometry.iloc[0]
    assert 0 < place.area < 30_000
    assert not place.intersects(tested)


def test_a_report_teaches_with_no_more_cells_than_an_interpreter_outlines(tmp_path, settings):
    settings.REPORT_SAMPLE_CELLS = 12
    sampled(corrected(three_stripes(), outline=cells(0, 0, 9, 10)))
    _training_set, rows = frozen(2024, tmp_path, settings)
    place = rows[rows["origin"] == "report"].geometry.iloc[0]
    assert (place.geom_type, len(place.geoms)) == ("MultiPoint", 12)


def test_the_freeze_after_a_revert_leaves_the_report_out(tmp_path, settings):
    correction = corrected()
    sampled(correction)
    SampleFactory(geometry=cells(12, 2, 14, 4), habitat_type=habitat("B1"))
    before, _rows = frozen(2024, tmp_path, settings)
    revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    after, _rows = frozen(2024, tmp_path, settings)
    assert before.counts["by_origin"] == {"releve": 1, "report": 1}
    assert after.counts["by_origin"] == {"releve": 1}
