"""Every operation of the OpenAPI document, called with what fits its schema and with what does not, as each role."""

import json
from contextlib import suppress

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, Verbosity, given, strategies
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from rest_framework.authtoken.models import Token
from schemathesis import GenerationMode, checks

from territories.states import Role
from tests import factories
from tests.feedback.api_ground import REPORTS, Program, make_ground

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ROLES = {
    "visitor": None,
    "reviewer": Role.REVIEWER,
    "adjudicator": Role.ADJUDICATOR,
    "administrator": Role.RELEASE_ADMINISTRATOR,
    "engineer": Role.MODEL_ENGINEER,
}
EXAMPLES = 3
CHECKED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
# The same examples at every run: what fails here fails again.
QUIET = hypothesis_settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


@pytest.fixture
def application(db):
    """The whole application, on the connection of the test: its requests see what the test wrote."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def things(settings, tmp_path):
    """One of each thing that an address may name, and what to name it."""
    settings.MEDIA_ROOT = tmp_path
    territory = factories.TerritoryFactory()
    polygon = factories.PolygonFactory(vintage__published=False, doubtful=True)
    factories.LegendEntryFactory(habitat_type=polygon.habitat_type)
    report = factories.ReportPolygonFactory(polygon=polygon).report
    sample, run = factories.SampleFactory(), factories.RunFactory(finished=True)
    return {
        "territories": f"{territory.kind}:{territory.code}",
        "habitat-types": polygon.habitat_type_id,
        "samples": sample.pk,
        "runs": run.pk,
        "model-versions": factories.ModelVersionFactory().number,
        "vintages": polygon.vintage_id,
        "polygons": polygon.pk,
        "rounds": report.round_id,
        "reports": report.pk,
    }


def operations(application):
    """The operations of the document, from the application itself."""
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    return [found.ok() for found in schema.get_all_operations()]


def named(operation, things):
    """The address of a thing that is there, where the operation names one we made."""
    kind = operation.path.removeprefix("/api/v1/").partition("/")[0]
    names = [parameter.name for parameter in operation.path_parameters]
    if kind not in things or not names:
        return []
    return [{name: things[kind] if number == 0 else 1 for number, name in enumerate(names)}]


def fuzz(operation, headers, path=None):
    """Call one operation a few times, with what fits its schema and with what does not."""
    asked = {"path_parameters": path} if path else {}

    def call(case):
        case.headers.update(headers)
        case.call_and_validate(checks=CHECKED)

    QUIET(given(operation.as_strategy(GenerationMode.POSITIVE, **asked))(call))()
    # Where nothing but the address is sent, and the address is right, nothing can be wrong.
    with suppress(Unsatisfiable):
        QUIET(given(operation.as_strategy(GenerationMode.NEGATIVE, **asked))(call))()


@pytest.mark.parametrize("role", ROLES)
def test_no_request_breaks_the_api_nor_surprises_its_reader(role, application, things):
    headers = {}
    if ROLES[role]:
        person = factories.person_with(ROLES[role])
        headers["Authorization"] = f"Token {Token.objects.create(user=person).key}"
    for operation in operations(application):
        fuzz(operation, headers)
        for path in named(operation, things):
            fuzz(operation, headers, path)


ANYTHING = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(max_size=20),
    lambda inner: strategies.lists(inner, max_size=4) | strategies.dictionaries(strategies.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = ("client_uuid", "round", "polygons", "geometry", "proposed", "comment", "observed_on", "confidence", "draft")


def spoilt(body):
    """A sound body of which some fields, or parts of fields, are anything at all."""
    shapes = strategies.fixed_dictionaries({"type": strategies.just("Polygon"), "coordinates": ANYTHING})
    values = {"geometry": ANYTHING | shapes, "polygons": ANYTHING | strategies.lists(ANYTHING, max_size=3)}
    spoils = {name: values.get(name, ANYTHING) for name in (*NAMES, *body)}
    return strategies.fixed_dictionaries({}, optional=spoils).map(lambda changed: {**body, **changed})


@pytest.mark.parametrize("what", ["report", "decision"])
def test_a_sound_body_with_spoilt_fields_is_answered_in_words(what, settings, tmp_path, db):
    settings.MEDIA_ROOT = tmp_path
    ground = make_ground()
    reviewer, desk = Program(ground.reviewer), Program(ground.adjudicator)
    number = reviewer.post(REPORTS, ground.body()).json()["id"]
    desk.move(number, "take")

    def send(body):
        text = json.dumps(body)
        program, path = (reviewer, REPORTS) if what == "report" else (desk, f"{REPORTS}{number}/propose/")
        answer = program.client.post(path, text, content_type="application/json", headers=program.headers)
        assert answer.status_code < 500, (answer.status_code, text)
        assert answer.status_code < 300 or answer.json()["detail"]

    body = ground.body() if what == "report" else ground.decision()
    hypothesis_settings(QUIET, max_examples=60)(given(spoilt(body))(send))()


BROKEN_BODIES = {
    "not json": b"{",
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "deep": b"[" * 100_000,
    "deep under a field": b'{"geometry": ' + b'{"a":' * 50_000,
    "not text": b"\xff\xfe\x00",
    "an endless number": b'{"round": 1' + b"0" * 5000 + b"}",
    "not a number": b'{"confidence": NaN}',
    "half of a character": b'{"comment": "\\ud800", "client_uuid": "\\ud800", "round": "\\ud800"}',
    "no character": b'{"comment": "\\u0000", "round": "\\u0000", "error_type": "\\u0000"}',
}


@pytest.mark.parametrize("name", BROKEN_BODIES)
def test_a_body_that_nobody_can_read_is_answered_as_one(client, things, name):
    client.force_login(factories.person_with(Role.REVIEWER))
    for address in ("/api/v1/reports/", f"/api/v1/reports/{things['reports']}/submit/", "/api/v1/runs/"):
        answer = client.post(address, BROKEN_BODIES[name], content_type="application/json")
        assert 400 <= answer.status_code < 500
        assert answer["Content-Type"] == "application/problem+json"
        assert json.loads(answer.content)["detail"]
