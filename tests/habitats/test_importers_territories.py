"""Territories alone: Occitanie's real ones, and files that are wrong."""

import geopandas as gpd
import pytest
import shapely
from django.core.management import CommandError, call_command
from django.utils import timezone

from habitats.importers.territories import import_territories
from territories.models import Region, Territory
from tests.ml.compute.rasters import shared_path

pytestmark = pytest.mark.django_db
KINDS = ["region", "department", "epci", "commune"]


def layer(codes, parent="", **columns):
    squares = [shapely.box(700_000 + 1000 * i, 6_200_000, 701_000 + 1000 * i, 6_201_000) for i in range(len(codes))]
    rows = {"code": codes, "name": [f"Lieu {code}" for code in codes], "parent_code": [parent] * len(codes), **columns}
    return gpd.GeoDataFrame(rows, geometry=squares, crs=2154)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "territories.gpkg"
    layer(["R"]).to_file(path, layer="region")
    layer(["1", "2"], parent="R").to_file(path, layer="department")
    layer(["E1"], parent="R").to_file(path, layer="epci")
    layer(["1001", "2001"], parent="1").to_file(path, layer="commune")
    return path


def bring_in(path, kinds=KINDS):
    return import_territories(path, kinds=kinds, epsg=2154, slug="test", at=timezone.now())


def test_territories_come_in_with_their_parents_and_their_intercommunality_by_place(folder):
    assert bring_in(folder) == {"region": 1, "department": 2, "epci": 1, "commune": 2}
    inside, outside = Territory.objects.get(code="1001"), Territory.objects.get(code="2001")
    assert (inside.parent.code, inside.epci.code, outside.epci) == ("1", "E1", None)
    assert inside.area_m2 == pytest.approx(1_000_000)


def test_importing_again_updates_and_doubles_nothing(folder):
    bring_in(folder)
    bring_in(folder)
    assert (Territory.objects.count(), Region.objects.count()) == (6, 1)


def test_a_missing_layer_is_named_and_nothing_comes_in(folder, tmp_path):
    path = tmp_path / "short.gpkg"
    layer(["R"]).to_file(path, layer="region")
    with pytest.raises(CommandError, match="commune"):
        call_command("import_territories", str(path), kinds=["region", "commune"])
    assert not Territory.objects.exists()


@pytest.mark.shared
@pytest.mark.slow
def test_the_4446_communes_of_occitanie_load_are_found_and_show(client):
    path = shared_path("data/territories/territories.gpkg")
    assert bring_in(path) == {"region": 1, "department": 13, "epci": 164, "commune": 4446}
    assert not Territory.objects.of_kind("commune").filter(epci=None).exists()
    answer = client.get("/communes/", {"q": "saint andre de sangonis"})
    assert "Saint-André-de-Sangonis" in answer.content.decode()
    for kind, code in (("commune", "34172"), ("department", "66"), ("region", "76")):
        assert client.get(f"/territoires/{kind}/{code}/").status_code == 200
