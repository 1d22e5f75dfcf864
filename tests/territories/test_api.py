import pytest

from tests import factories

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/territories/"


def codes(answer):
    assert answer.status_code == 200, answer.content
    return [feature["properties"]["code"] for feature in answer.json()["features"]]


@pytest.fixture
def places():
    """A region, its department, an intercommunality and two communes."""
    region = factories.TerritoryFactory(region=True, outline=factories.square(side=0.08))
    department = factories.TerritoryFactory(department=True, code="34", parent=region)
    epci = factories.TerritoryFactory(intercommunality=True, code="200000001", parent=region)
    for column, (code, name) in enumerate([("34001", "Sète-les-Bains"), ("34002", "Vic")]):
        factories.TerritoryFactory(
            code=code, name=name, parent=department, epci=epci if column else None, outline=factories.square(2 * column)
        )


def test_territories_are_features_named_by_kind_and_code(client, places):
    answer = client.get(ADDRESS, {"kind": "commune"})
    assert answer["Content-Type"] == "application/geo+json"
    body = answer.json()
    assert (body["type"], body["count"]) == ("FeatureCollection", 2)
    feature = body["features"][0]
    assert feature["id"] == "commune:34001"
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert feature["properties"]["parent"] == "department:34"


def test_a_territory_is_found_by_kind_and_code(client, places):
    answer = client.get(f"{ADDRESS}commune:34002/")
    assert answer.json()["properties"]["epci"] == "epci:200000001"


@pytest.mark.parametrize("name", ["commune:00000", "34002", "commune:%00", "commune:", "x:34002"])
def test_an_unknown_territory_is_a_problem(client, places, name):
    answer = client.get(f"{ADDRESS}{name}/")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_a_search_minds_neither_accents_nor_case(client, places):
    assert codes(client.get(ADDRESS, {"search": "sete"})) == ["34001"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("department:34", {"34001", "34002"}),
        ("200000001", {"34002"}),
        ("region:76", {"34", "34001", "34002", "200000001"}),
    ],
)
def test_the_territories_of_another_one_are_listed(client, places, given, found):
    assert set(codes(client.get(ADDRESS, {"territory": given}))) == found


def test_a_box_keeps_what_it_touches(client, places):
    assert codes(client.get(ADDRESS, {"kind": "commune", "bbox": "2.30,43.60,2.31,43.61"})) == ["34001"]


@pytest.mark.parametrize(
    "bbox", ["1,2,3", "a,b,c,d", "3,2,1,4", "1,4,2,3", "nan,1,2,3", "1,2,inf,3", "-181,0,1,1", "1,2,3,4,5", "1,1,1,1"]
)
def test_a_wrong_box_names_its_field(client, bbox):
    answer = client.get(ADDRESS, {"bbox": bbox})
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert list(answer.json()["fields"]) == ["bbox"]


def test_a_code_that_two_territories_have_asks_for_the_kind(client, places):
    factories.TerritoryFactory(department=True, code="76", name="Un autre")
    answer = client.get(ADDRESS, {"territory": "76"})
    assert answer.status_code == 422
    assert "region:76" in answer.json()["fields"]["territory"]


@pytest.mark.parametrize("parameter", ["territory", "search", "code", "kind"])
def test_a_nul_in_a_parameter_is_refused(client, parameter):
    assert client.get(ADDRESS, {parameter: "a\0b"}).status_code == 422


def test_attributes_come_without_outlines_when_asked(client, places):
    answer = client.get(ADDRESS, {"geometry": "none"})
    assert {feature["geometry"] for feature in answer.json()["features"]} == {None}


def test_pages_follow_one_another(client, places):
    first = client.get(ADDRESS, {"limit": 3, "geometry": "none"}).json()
    second = client.get(first["next"]).json()
    assert (len(first["features"]), len(second["features"])) == (3, 2)
    assert (first["count"], second["count"]) == (5, 5)
    assert second["next"] is None
    assert client.get(second["previous"]).json()["features"] == first["features"]


@pytest.mark.parametrize("offset", ["10", str(10**30)])
def test_a_page_past_the_end_is_empty(client, places, offset):
    body = client.get(ADDRESS, {"offset": offset}).json()
    assert (body["features"], body["next"], body["count"]) == ([], None, 5)


def test_a_list_costs_the_same_for_one_and_for_many(client, places, django_assert_num_queries):
    with django_assert_num_queries(2):
        client.get(ADDRESS)
    factories.TerritoryFactory.create_batch(5)
    with django_assert_num_queries(2):
        client.get(ADDRESS)


def test_a_limit_is_bounded(client):
    from bioccia.api.pages import BoundedLimitOffsetPagination

    assert BoundedLimitOffsetPagination.max_limit == 1000
    assert client.get(ADDRESS, {"limit": 10**9}).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/", "/api/v1/territories"])
def test_an_unknown_address_of_the_api_is_a_problem(client, path):
    answer = client.get(path, follow=False)
    if answer.status_code == 301:  # a forgotten slash leads to the address
        assert answer["Location"] == f"{path}/"
        return
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert {"code", "title", "detail"} <= answer.json().keys()


def test_a_method_that_is_not_there_is_a_problem(client):
    client.force_login(factories.UserFactory())
    answer = client.delete(ADDRESS)
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"
