"""Every address of the project, asked as every role: none gives away an audit point nor what was seen there."""

import itertools
import re
import uuid

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.gis.geos import Point
from django.urls import URLPattern, get_resolver
from django.urls.converters import IntConverter, UUIDConverter

from territories.states import Role
from tests import factories
from tests.habitats.audit_cases import legend_of_three

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LON, LAT = 2.317391, 43.611937
NOTE = "une haie que personne ne doit lire"
KEY = 30_001
WORDS = {"kind": "region", "code": "76", "key": "76", "format": "json"}
OUTSIDE = ("<path", "static/", "jsi18n", "compte/", "api/schema/")


def every_pattern(patterns, prefix=""):
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern
        else:
            yield from every_pattern(pattern.url_patterns, route)


def addresses():
    """Each address of the project, its parameters filled with the key of the rows under test."""
    for route, pattern in every_pattern(get_resolver().url_patterns):
        if not any(part in route for part in OUTSIDE):
            yield filled(route, pattern)


def filled(route, pattern):
    def value(match):
        kind, _colon, name = match.group(1).rpartition(":")
        converter = pattern.pattern.converters.get(name)
        if name == "year":
            return "2024"
        if isinstance(converter, UUIDConverter) or kind == "uuid":
            return str(uuid.UUID(int=KEY))
        if isinstance(converter, IntConverter) or kind in ("int", "drf_format_suffix"):
            return str(KEY)
        return WORDS.get(name, str(KEY))

    plain = re.sub(r"<([^>]+)>", value, route)
    plain = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda match: WORDS.get(match.group(1), str(KEY)), plain)
    return "/" + plain.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\.", ".").replace("?", "")


@pytest.fixture
def sealed():
    """A sample being labelled by people who are none of the readers, beside samples, polygons and a vintage."""
    habitats = legend_of_three()
    region = factories.RegionFactory(simulated=True)
    audit = factories.AuditSampleFactory(
        pk=KEY, number=KEY, reason="Images replaced.", region=region, labelling=True, secret="0123456789abcdef" * 2
    )
    place = Point(LON, LAT, srid=4326)
    point = factories.AuditPointFactory(pk=KEY, audit=audit, number=KEY, outline=place.buffer(0.0001), point=place)
    for habitat in habitats[:2]:
        factories.AuditLabelFactory(point=point, habitat_type=habitat, note=NOTE)
    factories.SampleFactory(pk=KEY, audit=True, geometry=place, observers=NOTE)
    factories.SampleFactory(habitat_type=habitats[0])
    vintage = factories.VintageFactory(pk=KEY, region=region, year=2024, published=True)
    factories.PolygonFactory(pk=KEY, vintage=vintage, habitat_type=habitats[0])
    return audit, point


def traces(audit, point):
    """What must stand in no answer: the position in degrees and metres, the note, the second half of the seed."""
    degrees = [str(LON)[:6], str(LAT)[:7]]
    metres = [f"{value:.1f}" for value in (point.x, point.y)]
    shapes = [text.replace(".", mark) for text, mark in itertools.product(degrees + metres, ".,")]
    return [*shapes, NOTE, audit.secret]


def content_of(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize("role", [None, "superuser", *Role])
def test_no_address_gives_an_audit_point_nor_a_label_away(client, sealed, role):
    audit, point = sealed
    client.raise_request_exception = False
    if role == "superuser":
        client.force_login(factories.UserFactory(administrator=True))
    elif role:
        client.force_login(factories.person_with(role))
    forbidden = [text.encode() for text in traces(audit, point)]
    asked = sorted(set(addresses()))
    assert len(asked) > 60
    for address in asked:
        said = content_of(client.get(address, {"limit": 200}))
        found = [text for text in forbidden if text in said]
        assert not found, (address, found)


def test_the_test_itself_would_find_a_point_once_it_is_opened(client, sealed):
    audit, point = sealed
    vintage = factories.VintageFactory(region=audit.region, year=2024)
    audit.state, audit.vintage, audit.assessment = "opened", vintage, {"classes": {}, "parents": {}}
    audit.opened_at = audit.drawn_at
    audit.save()
    said = content_of(client.get(f"/audit/2024/{KEY}/points.csv"))
    found = [text for text in traces(audit, point) if text.encode() in said]
    assert len(found) == 4


def test_the_api_has_no_word_of_audit_points():
    routes = [route for route, _pattern in every_pattern(get_resolver().url_patterns) if "api/v1" in route]
    assert routes
    assert not [route for route in routes if "audit" in route]


def test_the_administration_lists_no_audit_table():
    registered = {model.__name__ for model in admin.site._registry}
    tables = {model.__name__ for model in apps.get_app_config("habitats").get_models()}
    hidden = {name for name in tables if name.startswith("Audit")}
    assert {"AuditSample", "AuditPoint", "AuditLabel"} <= hidden
    assert not registered & hidden
