import json
from io import StringIO

import pytest
import yaml
from django.core.management import call_command
from django.urls import reverse

from tests import factories

COLLECTIONS = [
    "territories",
    "habitat-types",
    "samples",
    "model-versions",
    "runs",
    "vintages",
    "polygons",
    "rounds",
    "reports",
]
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document():
    """The OpenAPI document, generated without a warning and valid."""
    out = StringIO()
    call_command("spectacular", "--fail-on-warn", "--validate", lang="en", stdout=out)
    return yaml.safe_load(out.getvalue())


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def test_the_document_is_openapi_3_1_and_needs_no_warning(document):
    assert document["openapi"].startswith("3.1")


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_collection_of_the_contract_is_documented(document, name):
    assert f"/api/v1/{name}/" in document["paths"]


def test_every_operation_has_a_summary_and_an_identifier_of_its_own(document):
    found = list(operations(document))
    identifiers = [operation["operationId"] for _path, _method, operation in found]
    assert len(set(identifiers)) == len(identifiers)
    assert not [identifier for identifier in identifiers if "_" in identifier]
    assert not [path for path, _method, operation in found if not operation.get("summary")]


def test_every_parameter_says_what_it_is(document):
    silent = [
        (path, parameter["name"])
        for path, _method, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query" and not parameter.get("description")
    ]
    assert not silent


def test_every_operation_says_how_it_fails(document):
    for path, method, operation in operations(document):
        assert {"401", "403"} <= operation["responses"].keys(), path
        assert "404" in operation["responses"] or "{" not in path
        assert method == "get" or {"409", "422"} <= operation["responses"].keys()


def test_the_document_says_nothing_that_3_1_no_longer_knows(document):
    assert "nullable" not in json.dumps(document)


@pytest.mark.django_db
def test_the_document_is_served_in_english_whatever_the_reader_speaks(client):
    answer = client.get(reverse("schema"), HTTP_ACCEPT="application/json", HTTP_ACCEPT_LANGUAGE="fr")
    assert answer.status_code == 200
    assert b"Number of results to return" in answer.content


@pytest.mark.browser
@pytest.mark.service
def test_the_pages_of_the_api_work_under_our_content_security_policy(live_web, page, picture):
    answer = page.goto(f"{live_web}/api/docs/")
    assert "script-src" in answer.headers["content-security-policy"]
    page.wait_for_selector("#operations-polygons-listPolygons")
    picture(page, "api-docs-1280")
    assert page.errors == []


@pytest.mark.django_db
def test_what_a_list_answers_is_what_the_document_says(client, document):
    jsonschema = pytest.importorskip("jsonschema")
    polygon = factories.PolygonFactory(doubtful=True)
    factories.LegendEntryFactory(habitat_type=polygon.habitat_type)
    factories.TerritoryFactory()
    for name in ("territories", "habitat-types", "model-versions", "vintages", "polygons"):
        answer = client.get(f"/api/v1/{name}/")
        body = document["paths"][f"/api/v1/{name}/"]["get"]["responses"]["200"]["content"]
        schema = {**next(iter(body.values()))["schema"], "components": document["components"]}
        jsonschema.validate(answer.json(), schema)
