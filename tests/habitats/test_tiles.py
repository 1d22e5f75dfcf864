import gzip
import math
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from habitats import tiles
from tests import factories

pytestmark = pytest.mark.django_db


def tile_at(longitude, latitude, zoom):
    """The tile that holds a position."""
    side = 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2
    return zoom, int((longitude + 180) / 360 * side), int(down * side)


def address_of(vintage, zoom, longitude=2.305, latitude=43.605):
    return reverse("habitats:tile", args=[vintage.pk, *tile_at(longitude, latitude, zoom)])


def names_in(tile):
    """The words written in a tile: names of layers and properties, and texts."""
    return set(re.findall(rb"[A-Za-z0-9_.]{1,20}", tile))


@pytest.fixture
def vintage():
    """A published vintage of one polygon, drawn at three zooms more coarsely."""
    polygon = factories.PolygonFactory(habitat_type__code="E1.2", confidence=71)
    wide = factories.square(side=4).transform(3857, clone=True)
    for zoom in (7, 9, 11):
        habitat = factories.HabitatTypeFactory(code=f"Z{zoom}")
        factories.GeneralisedPolygonFactory(
            vintage=polygon.vintage, max_zoom=zoom, habitat_type=habitat, geometry_3857=wide
        )
    return polygon.vintage


def test_a_tile_holds_the_code_the_confidence_and_the_id_of_a_polygon(client, vintage):
    answer = client.get(address_of(vintage, 13))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert {b"polygons", b"id", b"c", b"f", b"E1.2"} <= names_in(answer.content)


@pytest.mark.parametrize("zoom", range(12))
def test_no_low_zoom_reads_the_polygons_themselves(client, vintage, zoom):
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address_of(vintage, zoom))
    assert answer.status_code == 200
    assert not [query["sql"] for query in queries if "habitats_polygon" in query["sql"]]


@pytest.mark.parametrize(("zoom", "level"), [(0, 7), (7, 7), (8, 9), (9, 9), (10, 11), (11, 11)])
def test_a_low_zoom_is_drawn_from_the_coarsest_level_that_serves_it(client, vintage, zoom, level):
    assert f"Z{level}".encode() in names_in(client.get(address_of(vintage, zoom)).content)


def test_a_tile_costs_one_question_for_the_right_and_one_for_the_tile(client, vintage, django_assert_num_queries):
    with django_assert_num_queries(2):
        client.get(address_of(vintage, 13))


def test_a_crowded_tile_is_drawn_from_the_finest_coarse_level(client, vintage, monkeypatch):
    monkeypatch.setattr(tiles, "MOST_POLYGONS", 10)
    vintage.polygon_count, vintage.area_m2 = 1_000_000, 1e8
    vintage.save()
    assert b"Z11" in names_in(client.get(address_of(vintage, 13)).content)


def test_a_crowded_tile_without_coarse_levels_is_drawn_all_the_same(client, vintage, monkeypatch):
    monkeypatch.setattr(tiles, "MOST_POLYGONS", 10)
    vintage.polygon_count, vintage.area_m2 = 1_000_000, 1e8
    vintage.save()
    vintage.generalised.all().delete()
    assert b"E1.2" in names_in(client.get(address_of(vintage, 13)).content)


def test_the_polygons_of_another_vintage_stay_out(client, vintage):
    factories.PolygonFactory(vintage__year=2023, vintage__published=True, habitat_type__code="G1.7")
    assert b"G1.7" not in names_in(client.get(address_of(vintage, 13)).content)


def test_a_tile_with_nothing_in_it_is_empty(client, vintage):
    answer = client.get(address_of(vintage, 13, longitude=-60))
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("address", ["19/1/1", "12/4096/1", "12/1/4096", f"{10**30}/1/1"])
def test_a_tile_outside_the_pyramid_is_not_found(client, vintage, address):
    assert client.get(f"/tiles/vintages/{vintage.pk}/{address}.mvt").status_code == 404


def test_a_known_tile_is_not_sent_again(client, vintage):
    address = address_of(vintage, 13)
    etag = client.get(address)["ETag"]
    answer = client.get(address, HTTP_IF_NONE_MATCH=f'W/{etag}, "another"')
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)


def test_a_changed_polygon_changes_the_etag(client, vintage):
    address = address_of(vintage, 13)
    before = client.get(address)["ETag"]
    vintage.polygons.update(confidence=12)
    assert client.get(address, HTTP_IF_NONE_MATCH=before).status_code == 200


def test_a_tile_is_zipped_for_those_who_can_read_it(client, vintage):
    address = address_of(vintage, 13)
    answer = client.get(address, HTTP_ACCEPT_ENCODING="gzip, br")
    assert answer["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == client.get(address).content


def test_a_published_tile_is_for_every_cache(client, vintage):
    answer = client.get(address_of(vintage, 13))
    assert answer["Cache-Control"].startswith("public, max-age=")
    assert answer["Vary"] == "Accept-Encoding"


def test_an_unpublished_tile_is_hidden_from_visitors(client):
    polygon = factories.PolygonFactory(vintage__published=False)
    assert client.get(address_of(polygon.vintage, 13)).status_code == 404


def test_an_unpublished_tile_is_shown_to_a_mandate_and_kept_by_no_shared_cache(client):
    polygon = factories.PolygonFactory(vintage__published=False)
    client.force_login(factories.person_with("reviewer"))
    answer = client.get(address_of(polygon.vintage, 13))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, max-age=0, must-revalidate"
    assert {"Cookie", "Authorization"} <= set(answer["Vary"].split(", "))


def test_an_unpublished_tile_is_hidden_from_a_person_without_a_mandate(client):
    polygon = factories.PolygonFactory(vintage__published=False)
    client.force_login(factories.UserFactory())
    assert client.get(address_of(polygon.vintage, 13)).status_code == 404


@pytest.mark.parametrize(("word", "status"), [("right", 200), ("wrong", 404)])
def test_a_program_reads_an_unpublished_tile_by_its_token(client, word, status):
    from rest_framework.authtoken.models import Token

    polygon = factories.PolygonFactory(vintage__published=False)
    token = Token.objects.create(user=factories.person_with("reviewer"))
    key = token.key if word == "right" else "no-such-token"
    answer = client.get(address_of(polygon.vintage, 13), HTTP_AUTHORIZATION=f"Token {key}")
    assert answer.status_code == status


@pytest.mark.parametrize("state", ["building", "replaced"])
def test_a_vintage_that_is_not_shown_has_no_tile(client, state):
    polygon = factories.PolygonFactory(vintage=factories.VintageFactory(**{state: True}))
    client.force_login(factories.person_with("reviewer"))
    assert client.get(address_of(polygon.vintage, 13)).status_code == 404


def test_a_tile_is_only_read(client, vintage):
    assert client.post(address_of(vintage, 13)).status_code in (403, 405)
