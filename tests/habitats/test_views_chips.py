import html
import re

import pytest
from django.contrib.gis.geos import Point
from django.contrib.gis.geos import Polygon as Outline
from django.urls import reverse

from habitats import chips
from territories.states import Role
from tests import factories
from tests.ml.compute.test_chips import write_images
from tests.ml.compute.tiny_regions import TRANSFORM

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}


@pytest.fixture
def place(tmp_path, settings):
    """A region of 60 x 60 cells with images of 2024, and the address of a place in it."""
    settings.FILES_DIR = tmp_path / "files"
    factories.RegionFactory()
    factories.PredictorLayerFactory(file=str(write_images(tmp_path / "s2.tif")))
    x, y = TRANSFORM @ (40.5, 30.5)
    point = Point(x, y, srid=2154).transform(4326, clone=True)
    return {"year": 2024, "lon": point.x, "lat": point.y}


@pytest.fixture
def interpreter(client):
    person = factories.person_with(Role.PHOTO_INTERPRETER)
    client.force_login(person)
    return person


def strip(client, place, **more):
    return client.get(reverse("habitats:chips"), {**place, **more}, headers=PART)


def addresses(answer):
    return [html.unescape(found) for found in re.findall(r'src="([^"]+)"', answer.content.decode())]


def test_the_strip_names_each_date_and_its_pictures_answer(client, interpreter, place):
    answer = strip(client, place)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert re.findall(r'datetime="([^"]+)"', text) == ["2024-03-10", "2024-06-28"]
    assert "B08, B04, B03" in text
    assert "640" in text
    assert "<html" not in text
    pictures = [client.get(address) for address in addresses(answer)]
    assert [picture.status_code for picture in pictures] == [200] * 4
    assert all(b"".join(picture.streaming_content).startswith(b"\x89PNG") for picture in pictures)
    assert pictures[0]["Cache-Control"] == "private, max-age=3600"


def test_every_picture_has_words_in_its_place(client, interpreter, place):
    alternatives = re.findall(r'alt="([^"]*)"', strip(client, place).content.decode())
    assert len(alternatives) == 4
    assert all("2024" in words for words in alternatives)


def test_a_plain_link_leads_to_a_page(client, interpreter, place):
    answer = client.get(reverse("habitats:chips"), place)
    assert "<html" in answer.content.decode()
    assert len(addresses(answer)) >= 4


def test_only_people_with_a_mandate_see_them(client, place):
    assert strip(client, place).status_code == 403
    client.force_login(factories.person_with(Role.PLANNER))
    assert strip(client, place).status_code == 403
    picture = {**place, "date": "2024-06-28", "name": "true_colour"}
    assert client.get(reverse("habitats:chip"), picture).status_code == 403
    client.force_login(factories.person_with(Role.ADJUDICATOR))
    assert strip(client, place).status_code == 200


def test_the_polygon_in_question_widens_the_picture_up_to_a_bound(client, interpreter, place):
    west, north = TRANSFORM @ (10, 10)
    outline = Outline.from_bbox((west, north - 450, west + 450, north))
    outline.srid = 2154
    polygon = factories.PolygonFactory(outline=outline.transform(4326, clone=True))
    answer = strip(client, place, polygon=polygon.pk)
    assert answer.status_code == 200
    assert answer.context["side_m"] == pytest.approx(2 * 1.15 * 305, abs=5)


def test_a_polygon_of_an_unpublished_vintage_is_not_drawn_for_strangers(client, interpreter, place):
    hidden = factories.PolygonFactory(vintage=factories.VintageFactory(building=True))
    assert strip(client, place, polygon=hidden.pk).status_code == 422


@pytest.mark.parametrize("wrong", [{"lon": "east"}, {"lat": "nan"}, {"year": ""}, {"lon": 181}])
def test_a_wrong_address_is_answered_with_its_field(client, interpreter, place, wrong):
    assert strip(client, place, **wrong).status_code == 422


@pytest.mark.parametrize("elsewhere", [{"lon": 7.0}, {"year": 1999}])
def test_a_place_without_images_is_said_and_not_failed(client, interpreter, place, elsewhere):
    answer = strip(client, place, **elsewhere)
    assert answer.status_code == 200
    assert "notice--warning" in answer.content.decode()


def test_a_picture_that_does_not_exist_is_not_found(client, interpreter, place):
    picture = reverse("habitats:chip")
    assert client.get(picture, {**place, "date": "2020-01-01", "name": "true_colour"}).status_code == 404
    assert client.get(picture, {**place, "lon": 7.0, "date": "2024-06-28", "name": "grey"}).status_code == 404


def test_pictures_are_drawn_once_and_the_oldest_places_are_forgotten(client, interpreter, place, monkeypatch, settings):
    monkeypatch.setattr(chips, "KEPT_PLACES", 2)
    drawn = []
    render = chips.render_chips
    monkeypatch.setattr(chips, "render_chips", lambda *args, **options: drawn.append(1) or render(*args, **options))
    for shift in (0, 0, 0.0002, 0.0004, 0.0006):
        strip(client, {**place, "lon": place["lon"] + shift})
    assert len(drawn) == 4
    assert len(list((settings.FILES_DIR / "chips").iterdir())) == 2
