import json

import pytest
from django.urls import reverse
from django.utils import translation

from habitats.views import map as map_views
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db
INSIDE = {"lon": 2.31, "lat": 43.61}


def card(client, shown, *, headers=None, **position):
    query = {"vintage": shown.pk, **INSIDE, **position}
    return client.get(reverse("habitats:polygon-card"), query, headers=headers or {"HX-Request": "true"})


def settings_of(response):
    return json.loads(response.content.decode().split('id="map-settings" type="application/json">')[1].split("<")[0])


def test_the_map_knows_its_vintages_latest_first(client):
    region = factories.RegionFactory()
    for year in (2023, 2024):
        factories.VintageFactory(region=region, year=year, published=True)
    known = settings_of(client.get("/"))
    assert [vintage["year"] for vintage in known["vintages"]] == [2024, 2023]
    assert known["vintages"][0]["tiles"].endswith("/{z}/{x}/{y}.mvt")
    assert known["outlines"] == "/tiles/outlines/{z}/{x}/{y}.mvt"


def test_a_working_vintage_is_shown_to_a_mandate_only(client):
    vintage = factories.VintageFactory()
    assert settings_of(client.get("/"))["vintages"] == []
    assert card(client, vintage).status_code == 404
    client.force_login(factories.person_with(Role.REVIEWER))
    assert [known["id"] for known in settings_of(client.get("/"))["vintages"]] == [vintage.pk]


def test_an_empty_database_still_has_a_map(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert settings_of(answer)["vintages"] == []


def test_a_card_says_habitat_confidence_runner_ups_area_commune_version(client):
    commune = factories.TerritoryFactory(name="Bois-Joli")
    polygon = factories.PolygonFactory(doubtful=True)
    answer = card(client, polygon.vintage)
    said = answer.content.decode()
    for words in (
        polygon.habitat_type.label,
        polygon.runner_up_1.code,
        polygon.runner_up_2.code,
        "41",
        "33",
        "12",
        reverse("habitats:territory", args=["commune", commune.code]),
        reverse("habitats:version", args=[polygon.vintage.version.number]),
    ):
        assert words in said
    assert "<html" not in said
    assert "HX-Request" in answer["Vary"]


def test_the_outline_of_a_card_is_the_polygon(client):
    polygon = factories.PolygonFactory()
    said = card(client, polygon.vintage).content.decode()
    outline = json.loads(said.split("data-outline>")[1].split("<")[0])
    assert outline["type"] == "Polygon"


def test_a_plain_link_to_a_card_is_a_whole_page(client):
    polygon = factories.PolygonFactory()
    said = card(client, polygon.vintage, headers={"Accept": "text/html"}).content.decode()
    assert "<html" in said
    assert polygon.habitat_type.label in said


def test_a_place_without_habitat_says_so(client):
    polygon = factories.PolygonFactory()
    with translation.override("en"):
        said = card(client, polygon.vintage, lon=5).content.decode()
    assert "card-title" in said
    assert polygon.habitat_type.code not in said


@pytest.mark.parametrize("wrong", [{"lon": "x"}, {"lat": 91}, {"lon": "nan"}, {"vintage": ""}])
def test_a_position_that_is_none_names_its_field(client, wrong):
    polygon = factories.PolygonFactory()
    answer = card(client, polygon.vintage, **wrong)
    assert answer.status_code == 422
    assert next(iter(wrong)) in answer.content.decode()


def test_colours_are_a_sheet_that_no_code_can_break(client):
    habitat = factories.HabitatTypeFactory(code='E1"}body{}')
    factories.LegendEntryFactory(habitat_type=habitat, color="#112233")
    answer = client.get(reverse("habitats:legend-css"))
    assert answer["Content-Type"].startswith("text/css")
    assert "--habitat:#112233" in answer.content.decode()
    assert "body{" not in answer.content.decode()
    again = client.get(reverse("habitats:legend-css"), headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_outlines_are_tiles_that_a_browser_keeps(client):
    factories.RegionFactory()
    factories.TerritoryFactory(name="Bois-Joli")
    answer = client.get("/tiles/outlines/12/2074/1495.mvt")
    assert answer.status_code == 200
    assert b"Bois-Joli" in answer.content
    assert "max-age" in answer["Cache-Control"]
    assert client.get("/tiles/outlines/12/2074/1495.mvt", headers={"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.parametrize("address", ["2/4/0", "30/0/0"])
def test_a_tile_outside_of_the_pyramid_is_not_found(client, address):
    assert client.get(f"/tiles/outlines/{address}.mvt").status_code == 404


def test_a_code_is_written_as_a_css_string():
    assert map_views._css_string('a"b') == '"a\\22 b"'


@pytest.mark.parametrize(
    ("place", "state", "offered"), [(0, "working", True), (1, "working", False), (0, "published", False)]
)
def test_a_reviewer_is_offered_to_contest_the_working_map_of_their_commune(client, place, state, offered):
    communes = [factories.TerritoryFactory(outline=factories.square(column, 0)) for column in (0, 1)]
    vintage = factories.VintageFactory(state=state)
    factories.PolygonFactory(vintage=vintage)
    client.force_login(factories.MandateFactory(reviewer=True, territory=communes[place]).user)
    place = {"vintage": vintage.pk, "lon": 2.31, "lat": 43.61}
    card = client.get(reverse("habitats:polygon-card"), place, headers={"HX-Request": "true"})
    assert (reverse("feedback:contest") in card.content.decode()) is offered
