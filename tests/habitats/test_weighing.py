"""The map of a year weighed with the year before, as a step of the mapping year."""

from types import SimpleNamespace

import pytest
import rasterio
from django.utils import timezone

from habitats.importers.region_folder import import_region_folder
from habitats.mapping_year import play_run
from habitats.models import HabitatType, Vintage
from habitats.weighing import weigh_years
from ml.actions import request_run
from ml.compute.year_writing import NO_CONFIDENCE
from ml.models import Artefact, RunStep
from ml.states import RunKind, RunState
from ml.storage import path_of
from tests.regions import simulated_folder

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def region(transactional_db, tmp_path_factory):
    return import_region_folder(simulated_folder(tmp_path_factory), at=timezone.now()).region


def map_year(region, year, **parameters):
    parameters = {"decision": "gate", **parameters}
    run = request_run(region=region, year=year, kind=RunKind.YEAR, at=timezone.now(), by=None, parameters=parameters)
    play_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.failure) == (RunState.FINISHED, "")
    return run, Vintage.objects.get(run=run), RunStep.objects.get(run=run, name="weigh_years").outputs


def cells_of(artefact):
    with rasterio.open(path_of(artefact)) as source:
        return source.read(1)


def test_the_second_year_is_weighed_with_the_first_and_comes_nearer_to_the_truth(region, tmp_path_factory):
    _run, first, step = map_year(region, 2024)
    assert step == {"earlier": None}
    run, second, step = map_year(region, 2025)
    assert step["earlier"] == first.pk
    counts = step["counts"]
    assert counts["changed_after"] < counts["changed_before"] / 2
    drawn = RunStep.objects.get(run=run, name="map_by_windows").outputs
    with rasterio.open(simulated_folder(tmp_path_factory).parent / "truth" / "truth_2025.tif") as source:
        truth = source.read(1)
    alone = cells_of(Artefact.objects.get(pk=drawn["classes"]))
    weighed = cells_of(second.classes)
    assert (weighed == truth).mean() > (alone == truth).mean()
    assert second.metrics == step["weighed"]["metrics"]
    assert (cells_of(second.confidence)[weighed == 0] == NO_CONFIDENCE).all()

    session = SimpleNamespace(run=run, outputs={"map_by_windows": drawn}, work_dir=tmp_path_factory.mktemp("w"))
    session.progress = lambda _done, _total: None
    run.parameters = {"weigh_years": False}
    assert weigh_years(session) == {"earlier": None}
    run.parameters = {}
    HabitatType.objects.get(code=next(iter(first.metrics["per_class"]))).legend_entry.delete()
    assert "no longer in the legend" in weigh_years(session)["why"]
    cut(path_of(first.classes))
    assert weigh_years(session)["earlier"] is None


def cut(path):
    """Leave a class raster without its first row: another grid."""
    with rasterio.open(path) as source:
        profile, tags, values = source.profile, source.tags(), source.read()[:, 1:, :]
    shape = {"driver": "GTiff", "height": values.shape[1], "width": values.shape[2], "count": 1, "dtype": values.dtype}
    with rasterio.open(path, "w", crs=profile["crs"], transform=profile["transform"], nodata=0, **shape) as target:
        target.write(values)
        target.update_tags(CLASSES=tags["CLASSES"])
