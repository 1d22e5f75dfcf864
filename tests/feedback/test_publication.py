"""The publication run: from a signed map to files that anybody verifies, once."""

import json

import geopandas as gpd
import pyogrio
import pytest
import rasterio
import shapely

from feedback.models import Release
from feedback.publication import STEPS, play_publication
from feedback.release_folders import folder_of
from feedback.states import ReleaseState
from habitats.models import GeneralisedPolygon, TerritoryStatistic, Vintage
from habitats.states import VintageState
from ml.compute.publishing import verify
from ml.models import PredictorLayer, Run
from ml.states import RunKind, RunState
from ml.storage import path_of, store_file
from ml.views.progress import WORDS_OF_KIND
from tests.factories.ground import AN_INSTANT
from tests.releases import correct, forget_release, published_release, ready_map, signed_release

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vintage(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    return ready_map(tmp_path / "map")


def test_every_step_of_a_publication_has_its_words():
    assert list(WORDS_OF_KIND[RunKind.PUBLICATION]) == [name for name, _step, _weight in STEPS]


def test_a_signed_map_becomes_files_that_anybody_verifies(vintage):
    correct(vintage, 1, "J1.1")
    release = published_release(vintage)
    run = Run.objects.get(pk=release.run_id)
    assert (run.state, run.failure) == (RunState.FINISHED, "")
    assert release.state == ReleaseState.PUBLISHED
    found = verify.verify_folder(folder_of(release))
    assert found["content_sha256"] == release.content_sha256
    assert Vintage.objects.get(pk=vintage.pk).state == VintageState.PUBLISHED
    assert set(release.files.values_list("name", flat=True)) == {*verify.FILES, "MANIFEST.sha256"}


def test_what_people_corrected_is_in_every_file(vintage):
    correct(vintage, 1, "J1.1")
    folder = folder_of(published_release(vintage))
    frame = pyogrio.read_dataframe(folder / verify.POLYGONS, layer="habitats")
    assert frame.set_index("number").loc[1, ["code", "corrected"]].tolist() == ["J1.1", True]
    assert frame["corrected"].sum() == 1
    assert frame.crs.to_epsg() == vintage.region.epsg
    with rasterio.open(folder / verify.CLASSES) as source:
        assert source.read(1)[0, 0] == 4
        assert "E1.2" in source.tags()["CLASSES"]
    said = json.loads((folder / verify.ACCURACY).read_text())
    assert said["map"]["classes"]["J1.1"] == {"polygons_m2": 80_000.0, "cells": 800}
    assert said["audit"]["assessment"]["overall_accuracy"]["low_95"] == 0.86
    areas = dict(TerritoryStatistic.objects.filter(vintage=vintage).values_list("habitat_type__code", "area_m2"))
    assert areas["J1.1"] > 1.9 * areas["G1.1"]
    drawn = GeneralisedPolygon.objects.filter(vintage=vintage, max_zoom=11)
    assert "E1.2" not in drawn.values_list("habitat_type__code", flat=True)


def test_what_is_too_small_for_a_polygon_has_its_layer_but_not_where_people_decided(vintage, tmp_path):
    west, north = rasterio.open(path_of(vintage.classes)).transform @ (0, 0)
    hedge = shapely.LineString([(west + 250, north - 50), (west + 350, north - 50)])  # in polygon 2
    overruled = shapely.LineString([(west + 50, north - 50), (west + 150, north - 50)])  # in polygon 1
    facts = {
        "code": "G1.1",
        "kind": "linear",
        "length_m": 100.0,
        "width_m": 10.0,
        "area_m2": 1000.0,
        "confidence": 70.0,
    }
    features = gpd.GeoDataFrame([facts, facts], geometry=[hedge, overruled], crs=vintage.region.epsg)
    features.to_parquet(tmp_path / "features.parquet")
    Vintage.objects.update(small_features=store_file(tmp_path / "features.parquet", at=AN_INSTANT))
    vintage.refresh_from_db()
    correct(vintage, 1, "J1.1")
    release = published_release(vintage)
    assert release.dossier["map"]["small_features_sha256"] == vintage.small_features.sha256
    kept = pyogrio.read_dataframe(folder_of(release) / verify.POLYGONS, layer="small_features")
    assert kept.drop(columns="geometry").to_dict("records") == [{**facts, "release": "2024.0"}]
    assert kept.geometry.iloc[0].equals_exact(hedge, 0.001)
    assert pyogrio.list_layers(folder_of(release) / verify.POLYGONS)[:, 0].tolist() == ["habitats", "small_features"]
    said = json.loads((folder_of(release) / verify.ACCURACY).read_text())
    assert said["map"]["small_features"] == 1


def test_the_card_needs_no_other_file_and_speaks_both_languages(vintage):
    card = (folder_of(published_release(vintage)) / verify.CARD).read_text()
    assert 'lang="fr"' in card
    assert 'lang="en"' in card
    assert "1:25000" in card
    assert "<script" not in card
    assert 'href="http' not in card


def test_the_published_layers_are_in_the_catalogue_and_not_in_the_stack(vintage):
    release = published_release(vintage)
    assert set(PredictorLayer.objects.published_maps(2024).values_list("name", flat=True)) == {
        "habitats-2024",
        "confidence-2024",
    }
    assert not PredictorLayer.objects.of_stack(2024).exists()
    assert str(folder_of(release)) in PredictorLayer.objects.published_maps(2024).first().file


def test_a_publication_rung_twice_is_played_once(vintage):
    release = published_release(vintage)
    play_publication(release.run_id)
    assert Run.objects.get(pk=release.run_id).attempt == 1
    assert Release.objects.get().files.count() == 8


def test_a_map_changed_after_its_signatures_is_not_published(vintage):
    release = signed_release(vintage)
    correct(vintage, 1, "J1.1")
    play_publication(release.run_id)
    run = Run.objects.get(pk=release.run_id)
    assert run.state == RunState.FAILED
    assert str(release) in run.failure
    assert not folder_of(release).exists()
    assert Release.objects.get().state == ReleaseState.SIGNED


def test_a_release_abandoned_under_its_run_is_not_published(vintage):
    release = signed_release(vintage)
    Release.objects.update(state=ReleaseState.ABANDONED)
    play_publication(release.run_id)
    assert Run.objects.get(pk=release.run_id).state == RunState.FAILED
    assert not folder_of(release).exists()


class Killed(BaseException):
    """The process died here."""


def dying_once(step):
    """The step, dead the first time between what it wrote and its commit."""
    died = []

    def play(session):
        outputs = step(session)
        if not died:
            died.append(True)
            raise Killed
        return outputs

    return play


def test_dead_once_at_the_end_of_every_step_it_publishes_the_same_content_once(vintage, monkeypatch):
    correct(vintage, 1, "J1.1")
    expected = published_release(vintage).content_sha256
    forget_release(vintage)

    mortal = tuple((name, dying_once(step), weight) for name, step, weight in STEPS)
    monkeypatch.setattr("feedback.publication.STEPS", mortal)
    release = signed_release(vintage)
    for _death in STEPS:
        with pytest.raises(Killed):
            play_publication(release.run_id)
        assert not Release.objects.public().exists()
    play_publication(release.run_id)

    release.refresh_from_db()
    assert release.content_sha256 == expected
    assert verify.verify_folder(folder_of(release))["content_sha256"] == expected
    assert Run.objects.get(pk=release.run_id).attempt == len(STEPS) + 1
    assert release.files.count() == 8


def test_a_folder_left_by_an_abandoned_release_gives_way(vintage):
    first = signed_release(vintage)
    folder = folder_of(first)
    folder.mkdir(parents=True)
    (folder / "half").write_text("left by a killed attempt")
    play_publication(first.run_id)
    assert verify.verify_folder(folder)["release"] == "2024.0"


def test_a_file_altered_before_its_release_is_named_and_nothing_is_published(vintage, monkeypatch):
    *before, (name, last_step, weight) = STEPS

    def spoilt(session):
        (session.work_dir / "release" / verify.TILES).write_bytes(b"spoilt")
        return last_step(session)

    monkeypatch.setattr("feedback.publication.STEPS", (*before, (name, spoilt, weight)))
    release = signed_release(vintage)
    play_publication(release.run_id)
    run = Run.objects.get(pk=release.run_id)
    assert run.state == RunState.FAILED
    assert verify.TILES in run.failure
    assert not folder_of(release).exists()
