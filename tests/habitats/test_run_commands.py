"""run_year, train_version and map_vintage, on a small simulated region and on real images."""

import json
import shutil

import geopandas as gpd
import pytest
from django.core.management import CommandError, call_command

from habitats.models import LegendEntry, Polygon, Sample, TerritoryStatistic, TerritoryTransition, Vintage
from habitats.states import SampleSet, VintageState
from ml.actions import approve_version, request_run
from ml.models import ModelVersion, Run
from ml.states import RunKind, RunState, VersionState
from ml.storage import path_of
from territories.models import Region, Territory
from territories.states import Role
from tests.factories import AN_INSTANT, person_with
from tests.ml.compute.rasters import shared_path
from tests.regions import simulated_folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
STEPS = {"import", "freeze", "train", "compare", "decide", "map_by_windows", "vectorise", "load", "draw_low_zooms"}
STEPS |= {"weigh_years", "bind_corrections", "count_by_territory", "open_vintage"}


@pytest.fixture
def folder(tmp_path_factory):
    return simulated_folder(tmp_path_factory)


def run_year(capsys, folder, year, **options):
    call_command("run_year", str(folder), year=year, **options)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_year_answers_with_the_keys_of_the_contract_and_can_be_mapped_again(capsys, folder, tmp_path):
    file = tmp_path / "answer.json"
    first = run_year(capsys, folder, 2024, json=str(file))
    assert json.loads(file.read_text()) == first
    assert set(first["seconds"]) == set(first["cpu_seconds"]) == STEPS
    assert {"macro_f1", "overall_accuracy", "test_samples", "test_cells", "per_class"} <= set(first["metrics"])
    assert first["energy_method"] == "estimated"
    assert min(first[key] for key in ("samples", "classes", "polygons", "area_ha", "energy_wh", "peak_rss_mb")) > 0
    kept = Vintage.objects.get()
    small = gpd.read_parquet(path_of(kept.small_features))
    assert set(small["kind"]) <= {"linear", "small"}
    assert (small["confidence"] >= 50).all()
    assert first["area_ha"] == pytest.approx(area_of_the_region_ha(kept), rel=0.2)

    again = run_year(capsys, folder, 2024)
    assert (again["version"], again["polygons"]) == (first["version"] + 1, first["polygons"])
    working = Vintage.objects.get(state=VintageState.WORKING)
    assert working.classes.sha256 == kept.classes.sha256, "the same samples and seed give the same map"
    assert Polygon.objects.count() == again["polygons"], "the map it replaces leaves no polygon behind"

    run_year(capsys, folder, 2025, mode="frugal", seed=3)
    assert TerritoryTransition.objects.filter(earlier=working).exists()


def area_of_the_region_ha(vintage):
    rows = TerritoryStatistic.objects.filter(vintage=vintage, territory__kind="region")
    return sum(rows.values_list("area_m2", flat=True)) / 10_000


def test_a_candidate_waits_for_a_person_before_it_maps(capsys, folder):
    call_command("import_region", str(folder))
    call_command("train_version", year=2024, mode="frugal")
    version = ModelVersion.objects.get()
    assert version.state == VersionState.CANDIDATE
    with pytest.raises(CommandError, match=r"(?i)appro[uv]"):
        call_command("map_vintage", str(version.number))
    region = Territory.objects.get(kind="region")
    approve_version(version=version, by=person_with(Role.MODEL_ENGINEER, region), reason="Read.", at=AN_INSTANT)
    call_command("map_vintage", str(version.number))
    assert Vintage.objects.get().state == VintageState.WORKING


def test_the_audit_sample_never_reaches_a_training(capsys, folder):
    call_command("import_region", str(folder))
    sealed = Sample.objects.filter(sample_set=SampleSet.TRAINING, year=2024).order_by("pk").first()
    Sample.objects.filter(pk=sealed.pk).update(sample_set=SampleSet.AUDIT)
    call_command("train_version", year=2024, mode="frugal")
    frozen = ModelVersion.objects.get().training_set
    assert frozen.sample_count == Sample.objects.filter(year=2024).count() - 1
    assert SampleSet.AUDIT not in frozen.counts["by_set"]


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda folder: (folder / "stack" / "2024" / "s2.tif").unlink(), "s2.tif"),
        (lambda folder: (folder / "samples" / "2025.gpkg").write_bytes(b"not a package"), "2025.gpkg"),
        (lambda folder: (folder / "legend.csv").write_text("code,color\nA,red\n"), "legend.csv"),
        (lambda folder: (folder / "region.toml").write_text("name = 3"), "region.toml"),
    ],
)
def test_a_spoilt_folder_is_named_and_leaves_nothing_behind(folder, tmp_path, spoil, word):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    spoil(copy)
    with pytest.raises(CommandError, match=word):
        call_command("import_region", str(copy))
    assert not Region.objects.exists()
    assert not Territory.objects.exists()
    assert not LegendEntry.objects.exists()
    assert not Sample.objects.exists()


def test_a_year_without_a_stack_is_refused_with_the_years_there_are(folder):
    with pytest.raises(CommandError, match="2024, 2025"):
        call_command("run_year", str(folder), year=1999)
    assert not Run.objects.exists()


def test_a_stack_moved_after_the_import_is_named_by_the_run(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    call_command("import_region", str(copy))
    shutil.rmtree(copy / "stack")
    with pytest.raises(CommandError, match=r"relief\.tif|s2\.tif"):
        call_command("train_version", year=2024)
    assert Run.objects.get().state == RunState.FAILED


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "year", "floor"), [("rachel_carson", 2018, 0.92), ("slovenia", 2016, 0.496), ("slovenia", 2017, 0.451)]
)
def test_a_year_on_real_images_reaches_its_floor(capsys, name, year, floor):
    answer = run_year(capsys, shared_path(f"data/regions/{name}"), year)
    assert answer["metrics"]["macro_f1"] >= floor


def test_importing_again_keeps_what_was_decided_about_samples(folder):
    call_command("import_region", str(folder))
    retired, sealed = Sample.objects.filter(year=2024).order_by("pk")[:2]
    Sample.objects.filter(pk=retired.pk).update(retired_at=AN_INSTANT, weight=0.5)
    Sample.objects.filter(pk=sealed.pk).update(sample_set=SampleSet.AUDIT)
    before = set(Sample.objects.values_list("pk", "key"))
    call_command("import_region", str(folder))
    assert set(Sample.objects.values_list("pk", "key")) == before
    retired.refresh_from_db()
    sealed.refresh_from_db()
    assert (retired.retired_at, retired.weight, sealed.sample_set) == (AN_INSTANT, 0.5, SampleSet.AUDIT)


def test_a_folder_is_not_imported_under_a_run(folder):
    call_command("import_region", str(folder))
    engineer = person_with(Role.MODEL_ENGINEER, Territory.objects.get(kind="region"))
    request_run(region=Region.objects.get(), year=2024, kind=RunKind.YEAR, at=AN_INSTANT, by=engineer)
    with pytest.raises(CommandError):
        call_command("import_region", str(folder))


def test_a_version_whose_habitat_left_the_legend_says_which(folder):
    call_command("import_region", str(folder))
    call_command("run_year", str(folder), year=2024, mode="frugal")
    LegendEntry.objects.get(habitat_type__code="G2.1").delete()
    with pytest.raises(CommandError, match=r"G2\.1"):
        call_command("map_vintage", "1")
