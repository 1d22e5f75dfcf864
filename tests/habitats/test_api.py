import pytest

from habitats.models import Polygon, Vintage
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db


def features(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["features"]


def results(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_habitats_of_two_typologies_keep_their_names_apart(client):
    factories.HabitatTypeFactory(code="E1.2", in_legend=True)
    factories.HabitatTypeFactory(code="E1.2", typology=factories.TypologyFactory(code="EUNIS2022"))
    found = results(client.get("/api/v1/habitat-types/", {"code": "E1.2"}))
    assert [(row["typology"], row["legend"] is None) for row in found] == [("EUNIS2012", False), ("EUNIS2022", True)]


@pytest.mark.parametrize(
    ("parameters", "codes"),
    [
        ({"search": "prairies humides"}, ["E3.4"]),
        ({"search": "e3"}, ["E3", "E3.4"]),
        ({"parent": "E3"}, ["E3.4"]),
        ({"in_legend": "true"}, ["E3.4"]),
        ({"typology": "EUNIS2022"}, []),
        ({"level": "3"}, ["E3.4"]),
    ],
)
def test_habitats_are_found_by_words_and_place_in_the_tree(client, parameters, codes):
    wide = factories.HabitatTypeFactory(code="E3", label_fr="Pelouses")
    narrow = factories.HabitatTypeFactory(code="E3.4", label_fr="Prairies humides", parent=wide, level=3)
    factories.LegendEntryFactory(habitat_type=narrow)
    assert [row["code"] for row in results(client.get("/api/v1/habitat-types/", parameters))] == codes


def test_the_label_of_a_habitat_follows_the_language_asked_for(client):
    habitat = factories.HabitatTypeFactory(label_fr="Prairie", label_en="Meadow")
    address = f"/api/v1/habitat-types/{habitat.pk}/"
    assert client.get(address, headers={"Accept-Language": "fr"}).json()["label"] == "Prairie"
    assert client.get(address, headers={"Accept-Language": "en"}).json()["label"] == "Meadow"


def test_visitors_see_published_vintages_only(client):
    shown = factories.VintageFactory(published=True, year=2023)
    hidden = factories.VintageFactory(year=2024)
    assert [row["id"] for row in results(client.get("/api/v1/vintages/"))] == [shown.pk]
    assert client.get(f"/api/v1/vintages/{hidden.pk}/").status_code == 404


def test_a_mandate_shows_the_working_vintage(client):
    factories.VintageFactory(published=True, year=2023)
    factories.VintageFactory(year=2024)
    client.force_login(factories.person_with(Role.REVIEWER))
    assert [row["state"] for row in results(client.get("/api/v1/vintages/"))] == ["working", "published"]


def test_a_vintage_says_where_its_tiles_are(client):
    vintage = factories.VintageFactory(published=True)
    tiles = client.get(f"/api/v1/vintages/{vintage.pk}/").json()["tiles"]
    assert tiles == f"http://testserver/tiles/vintages/{vintage.pk}/{{z}}/{{x}}/{{y}}.mvt"


def test_the_areas_of_a_territory_come_largest_first(client, django_assert_max_num_queries):
    small = factories.TerritoryStatisticFactory(area_m2=10.0)
    large = factories.TerritoryStatisticFactory(vintage=small.vintage, territory=small.territory, area_m2=20.0)
    address = f"/api/v1/vintages/{small.vintage_id}/areas/"
    with django_assert_max_num_queries(3):
        answer = client.get(address, {"territory": f"commune:{small.territory.code}"})
    assert [row["habitat"]["code"] for row in answer.json()] == [large.habitat_type.code, small.habitat_type.code]


@pytest.mark.parametrize("territory", ["", "nowhere"])
def test_areas_of_an_unknown_territory_name_the_field(client, territory):
    vintage = factories.VintageFactory(published=True)
    answer = client.get(f"/api/v1/vintages/{vintage.pk}/areas/", {"territory": territory})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["territory"])


def test_a_polygon_is_a_feature_with_its_runner_ups(client):
    polygon = factories.PolygonFactory(doubtful=True)
    feature = client.get(f"/api/v1/polygons/{polygon.pk}/").json()
    assert (feature["id"], feature["geometry"]["type"]) == (polygon.pk, "Polygon")
    assert feature["geometry"]["coordinates"][0][0] == [2.3, 43.6]
    properties = feature["properties"]
    assert properties["habitat"]["code"] == polygon.habitat_type.code
    assert [runner_up["share"] for runner_up in properties["runner_ups"]] == [33, 12]
    assert properties["version"] == 1


def test_the_polygons_of_an_unpublished_vintage_are_nobodys_to_know(client):
    hidden = factories.PolygonFactory(vintage__published=False)
    assert features(client.get("/api/v1/polygons/", {"vintage": hidden.vintage_id})) == []
    assert client.get(f"/api/v1/polygons/{hidden.pk}/").status_code == 404
    client.force_login(factories.person_with(Role.REVIEWER))
    assert client.get(f"/api/v1/polygons/{hidden.pk}/").status_code == 200


@pytest.fixture
def coverage():
    """Four polygons of two habitats in a row, from west to east."""
    vintage = factories.VintageFactory(published=True, polygon_count=4)
    habitats = [factories.HabitatTypeFactory(code=code) for code in ("E1.2", "G1.7")]
    for column in range(4):
        factories.PolygonFactory(
            vintage=vintage,
            number=column + 1,
            habitat_type=habitats[column % 2],
            confidence=20 + 20 * column,
            outline=factories.square(column),
        )
    return vintage


@pytest.mark.parametrize(
    ("parameters", "numbers"),
    [
        ({}, [1, 2, 3, 4]),
        ({"habitat": "G1.7"}, [2, 4]),
        ({"habitat": "G1.7,E1.2"}, [1, 2, 3, 4]),
        ({"min_confidence": "60"}, [3, 4]),
        ({"max_confidence": "40"}, [1, 2]),
        ({"bbox": "2.301,43.601,2.302,43.602"}, [1]),
        ({"territory": "commune:34001"}, [3]),
        ({"year": "2024"}, [1, 2, 3, 4]),
        ({"year": "1999"}, []),
        ({"limit": "2", "offset": "1"}, [2, 3]),
    ],
)
def test_polygons_are_filtered(client, coverage, parameters, numbers):
    factories.TerritoryFactory(code="34001", outline=factories.square(2, side=0.01).buffer(-0.001))
    found = features(client.get("/api/v1/polygons/", parameters))
    assert [feature["properties"]["number"] for feature in found] == numbers


def test_a_polygon_list_asks_as_often_for_one_as_for_many(client, coverage, django_assert_num_queries):
    with django_assert_num_queries(3):
        client.get("/api/v1/polygons/", {"vintage": coverage.pk})
    Polygon.objects.filter(vintage=coverage, number__gt=1).delete()
    with django_assert_num_queries(3):
        client.get("/api/v1/polygons/", {"vintage": coverage.pk})


def test_many_polygons_are_not_counted_one_by_one(client, coverage, monkeypatch):
    monkeypatch.setattr("bioccia.api.pages.COUNTED_EXACTLY", 2)
    Vintage.objects.filter(pk=coverage.pk).update(polygon_count=123_456)
    page = {"limit": 1, "vintage": coverage.pk}
    assert client.get("/api/v1/polygons/", page).json()["count"] == 123_456
    narrowed = client.get("/api/v1/polygons/", {**page, "min_confidence": 1}).json()
    assert narrowed["count"] is None
    assert narrowed["next"] is not None


@pytest.mark.parametrize(
    "parameter",
    ["vintage=abc", "year=1e999999999", "min_confidence=-1", f"vintage={10**30}", "geometry=maybe", "bbox=1"],
)
def test_a_wrong_parameter_is_named(client, parameter):
    answer = client.get(f"/api/v1/polygons/?{parameter}")
    assert answer.status_code == 422
    assert list(answer.json()["fields"]) == [parameter.partition("=")[0]]


@pytest.mark.parametrize("path", ["polygons/99999999999999999999/", "vintages/0/", "polygons/abc/", "habitat-types/0/"])
def test_what_is_not_there_is_a_problem(client, path):
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_samples_ask_for_an_identity_then_for_a_mandate(client):
    factories.SampleFactory()
    answer = client.get("/api/v1/samples/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
    client.force_login(factories.person_with(Role.REVIEWER))
    assert client.get("/api/v1/samples/").status_code == 403
    client.force_login(factories.person_with(Role.VALIDATOR))
    assert len(features(client.get("/api/v1/samples/"))) == 1


def test_the_audit_sample_and_retired_ones_are_in_no_answer(client):
    hidden = [factories.SampleFactory(audit=True), factories.SampleFactory(retired=True)]
    client.force_login(factories.person_with(Role.MODEL_ENGINEER))
    assert features(client.get("/api/v1/samples/")) == []
    assert [client.get(f"/api/v1/samples/{sample.pk}/").status_code for sample in hidden] == [404, 404]
    assert client.get("/api/v1/samples/", {"sample_set": "audit"}).status_code == 422


def test_samples_stop_where_the_mandate_stops(client):
    near = factories.SampleFactory(geometry=factories.square(0, side=0.001))
    far = factories.SampleFactory(geometry=factories.square(3, side=0.001))
    department = factories.TerritoryFactory(department=True)
    client.force_login(factories.person_with(Role.VALIDATOR, department))
    assert [feature["id"] for feature in features(client.get("/api/v1/samples/"))] == [near.pk]
    assert client.get(f"/api/v1/samples/{far.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("parameters", "count"),
    [({"year": 2024}, 2), ({"habitat": "E1.2"}, 1), ({"sample_set": "selection"}, 1), ({"origin": "report"}, 0)],
)
def test_samples_are_filtered(client, parameters, count):
    factories.SampleFactory(habitat_type__code="E1.2")
    factories.SampleFactory(habitat_type__code="G1.7", selection=True)
    client.force_login(factories.person_with(Role.MODEL_ENGINEER))
    assert len(features(client.get("/api/v1/samples/", parameters))) == count
