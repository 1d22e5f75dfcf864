"""A region under consultation: 1,000,000 polygons, 400 communes, 50,000 reports, 200 reviewers, 10 adjudicators."""

import contextlib
import datetime
import random
import uuid
from collections.abc import Iterator
from typing import Any

import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.authtoken.models import Token

from benchmarks.mapped_region import make_legend, make_region, make_version
from feedback.models import Report, ReportMove, ReportPolygon, Round
from feedback.states import ErrorType, EvidenceType, ReportState, RoundState
from habitats.models import Polygon, Vintage
from habitats.states import Stake, VintageState
from ml.models import Artefact
from territories.actions import as_multipolygon, give_mandate, store_territories
from territories.models import Organisation, Region, Territory, User
from territories.states import Role, TerritoryKind

SIDE = 1000  # polygons from west to east, and from south to north
WEST, SOUTH, EAST, NORTH = 1.0, 42.55, 4.4, 44.45
COMMUNES_ACROSS = 20
REPORTS_EVERY = 20  # polygons: one in so many is contested
REVIEWERS, ADJUDICATORS = 200, 10
BATCH = 5000
YEAR = 2024
# Shares of the states, as a consultation past its middle has them.
STATES = (
    [ReportState.SUBMITTED] * 28
    + [ReportState.IN_REVIEW] * 3
    + [ReportState.NEEDS_INFO] * 3
    + [ReportState.AWAITING_FIELD] * 3
    + [ReportState.DECISION_PROPOSED] * 3
    + [ReportState.ACCEPTED] * 40
    + [ReportState.REJECTED_SPEC] * 20
)
# Neighbours share their nodes: each is computed from its place in the doubled grid alone.
NODE = """
CREATE OR REPLACE FUNCTION pg_temp.node(a int, b int) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
    SELECT ST_MakePoint(
        {west} + (a / 2.0 + 0.12 * sin(a * 12.9898 + b * 78.233)) * {width},
        {south} + (b / 2.0 + 0.12 * sin(a * 39.346 + b * 11.135)) * {height}
    )
$$
"""
POLYGONS = """
WITH drawn AS MATERIALIZED (
    SELECT (i + j * {side} + 1)::bigint AS number,
           ST_SetSRID(ST_MakePolygon(ST_MakeLine(ARRAY[
               pg_temp.node(2*i, 2*j), pg_temp.node(2*i+1, 2*j), pg_temp.node(2*i+2, 2*j), pg_temp.node(2*i+2, 2*j+1),
               pg_temp.node(2*i+2, 2*j+2), pg_temp.node(2*i+1, 2*j+2), pg_temp.node(2*i, 2*j+2),
               pg_temp.node(2*i, 2*j+1), pg_temp.node(2*i, 2*j)
           ])), 4326) AS outline
    FROM generate_series(0, {side} - 1) AS j, generate_series(0, {side} - 1) AS i
)
INSERT INTO habitats_polygon (vintage_id, number, habitat_type_id, confidence, runner_up_1_share, runner_up_2_share,
                              area_m2, version, geometry, geometry_3857)
SELECT %(vintage)s, number, (%(habitats)s::bigint[])[1 + (number * 7919) %% %(count)s], 30 + (number * 31) %% 70, 0, 0,
       ST_Area(outline) * 111320 ^ 2 * cos(radians(ST_Y(ST_StartPoint(ST_ExteriorRing(outline))))), 1,
       outline, ST_Transform(outline, 3857)
FROM drawn
"""


def consulted_region() -> Round:
    """The round, made the first time."""
    known = Round.objects.filter(key="benchmarks").first()
    return known or _make()


@transaction.atomic
def _make() -> Round:
    at = timezone.now()
    region = make_region(at)
    vintage = _vintage(region, at)
    whole = _territories()
    people = _people(whole, at)
    round_ = Round.objects.create(
        key="benchmarks",
        year=YEAR,
        region=region,
        territory=whole,
        name="Benchmarks",
        state=RoundState.OPEN,
        opens_at=at - datetime.timedelta(days=20),
        opened_at=at - datetime.timedelta(days=20),
        closes_at=at + datetime.timedelta(days=2000),
        grace_ends_at=at + datetime.timedelta(days=2010),
    )
    _reports(round_, vintage, people, at)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return round_


def _vintage(region: Region, at: datetime.datetime) -> Vintage:
    habitats = make_legend()
    artefact = Artefact.objects.create(sha256="2" * 64, suffix=".tif", size_bytes=1, created_at=at)
    facts: dict[str, Any] = {"classes": artefact, "confidence": artefact, "runner_ups": artefact, "created_at": at}
    vintage = Vintage.objects.create(
        region=region,
        year=YEAR,
        version=make_version(artefact, at),
        minimum_unit_px=4,
        state=VintageState.WORKING,
        polygon_count=SIDE * SIDE,
        **facts,
    )
    place = {"west": WEST, "south": SOUTH, "width": (EAST - WEST) / SIDE, "height": (NORTH - SOUTH) / SIDE}
    with connection.cursor() as cursor, _spatial_indexes_afterwards("habitats_polygon"):
        cursor.execute(NODE.format(**place))
        asked = {"vintage": vintage.pk, "habitats": habitats, "count": len(habitats)}
        cursor.execute(POLYGONS.format(side=SIDE), asked)
    return vintage


@contextlib.contextmanager
def _spatial_indexes_afterwards(table: str) -> Iterator[None]:
    """Spatial indexes are several times quicker to build than to fill."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexdef LIKE '%%USING gist%%'",
            [table],
        )
        found = cursor.fetchall()
        for name, _definition in found:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        # Deferred checks of the rows just written would forbid changing their table.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for _name, definition in found:
            cursor.execute(definition)


def _territories() -> Territory:
    """A region, four departments, 400 communes, with outlines of thousands of vertices as real ones have."""
    store_territories(kind=TerritoryKind.REGION, rows=[_territory("76", "", WEST, SOUTH, EAST, NORTH)])
    middle = (WEST + EAST) / 2, (SOUTH + NORTH) / 2
    halves = [((WEST, middle[0]), (SOUTH, middle[1])), ((middle[0], EAST), (SOUTH, middle[1]))]
    halves += [((WEST, middle[0]), (middle[1], NORTH)), ((middle[0], EAST), (middle[1], NORTH))]
    departments = [
        _territory(f"D{number}", "76", across[0], up[0], across[1], up[1]) for number, (across, up) in enumerate(halves)
    ]
    store_territories(kind=TerritoryKind.DEPARTMENT, rows=departments)
    store_territories(kind=TerritoryKind.COMMUNE, rows=[_commune(number) for number in range(COMMUNES_ACROSS**2)])
    return Territory.objects.get(kind=TerritoryKind.REGION)


def _commune(number: int) -> dict[str, Any]:
    row, column = divmod(number, COMMUNES_ACROSS)
    width, height = (EAST - WEST) / COMMUNES_ACROSS, (NORTH - SOUTH) / COMMUNES_ACROSS
    west, south = WEST + column * width, SOUTH + row * height
    parent = 2 * (2 * row // COMMUNES_ACROSS) + 2 * column // COMMUNES_ACROSS
    return _territory(f"{number:05d}", f"D{parent}", west, south, west + width, south + height)


def _territory(code: str, parent: str, *box: float) -> dict[str, Any]:
    outline = shapely.segmentize(shapely.box(*box), 0.0005)
    geometry = as_multipolygon(GEOSGeometry(memoryview(shapely.to_wkb(outline)), srid=4326))
    names = {"code": code, "name": f"Territoire {code}", "parent_code": parent, "geometry": geometry}
    return {**names, "geometry_3857": geometry.transform(3857, clone=True), "area_m2": 1.0}


def _people(whole: Territory, at: datetime.datetime) -> list[User]:
    """Reviewers, each of a commune of their own, with tokens; adjudicators of the region."""
    service = Organisation.objects.create(name="Service d'essai", kind="state")
    names = [f"reviewer{number}" for number in range(REVIEWERS)]
    names += [f"adjudicator{number}" for number in range(ADJUDICATORS)]
    people = [User(email=f"{name}@example.org", full_name=name, organisation=service) for name in names]
    User.objects.bulk_create(people)
    Token.objects.bulk_create([Token(user=person, key=Token.generate_key()) for person in people])
    communes = list(Territory.objects.of_kind(TerritoryKind.COMMUNE).without_geometry().order_by("code"))
    day = timezone.localdate(at)
    for number, person in enumerate(people):
        is_reviewer = number < REVIEWERS
        give_mandate(
            user=person,
            role=Role.REVIEWER if is_reviewer else Role.ADJUDICATOR,
            territory=communes[number * 2] if is_reviewer else whole,
            period=(day, None),
            on=day,
        )
    return people


def _reports(round_: Round, vintage: Vintage, people: list[User], at: datetime.datetime) -> None:
    drawn = random.Random(0)
    communes = dict(Territory.objects.of_kind(TerritoryKind.COMMUNE).values_list("code", "pk"))
    reviewers, adjudicators = people[:REVIEWERS], people[REVIEWERS:]
    seen = Polygon.objects.filter(vintage=vintage).extra(where=["number %% %s = 0"], params=[REPORTS_EVERY])
    batch: list[tuple[Report, Polygon]] = []
    for polygon in seen.defer("geometry_3857").iterator(BATCH):
        report = _report(round_, polygon, drawn, at)
        report.commune_id = communes[_commune_code(polygon.number)]
        report.author = drawn.choice(reviewers)
        if report.state == ReportState.IN_REVIEW:
            report.locked_by = drawn.choice(adjudicators)
            report.locked_until = at + datetime.timedelta(minutes=drawn.randrange(-60, 60))
        batch.append((report, polygon))
        if len(batch) == BATCH:
            _store(batch, at)
            batch = []
    _store(batch, at)


def _commune_code(number: int) -> str:
    row, column = divmod(number - 1, SIDE)
    return f"{row * COMMUNES_ACROSS // SIDE * COMMUNES_ACROSS + column * COMMUNES_ACROSS // SIDE:05d}"


def _report(round_: Round, polygon: Polygon, drawn: random.Random, at: datetime.datetime) -> Report:
    sent = at - datetime.timedelta(minutes=drawn.randrange(20 * 24 * 60))
    state = drawn.choice(STATES)
    return Report(
        client_uuid=uuid.UUID(int=drawn.getrandbits(128)),
        round=round_,
        state=state,
        vintage_id=polygon.vintage_id,
        geometry=polygon.geometry,
        area_m2=polygon.area_m2,
        error_type=ErrorType.ATTRIBUTE,
        proposed_type_id=polygon.habitat_type_id,
        comment="Pelouse rase sur calcaire, fauchée une fois par an.",
        observed_on=sent.date(),
        evidence_type=EvidenceType.FIELD_VISIT,
        confidence=2,
        stake=drawn.choice(Stake.values),
        created_at=sent,
        submitted_at=sent,
        updated_at=sent,
        closed_at=sent if state in (ReportState.ACCEPTED, ReportState.REJECTED_SPEC) else None,
        due_on=(sent + datetime.timedelta(days=60)).date(),
    )


def _store(batch: list[tuple[Report, Polygon]], at: datetime.datetime) -> None:
    Report.objects.bulk_create([report for report, _polygon in batch])
    ReportPolygon.objects.bulk_create(
        [
            ReportPolygon(
                report=report,
                polygon=polygon,
                number=polygon.number,
                version_seen=1,
                type_seen_id=polygon.habitat_type_id,
                area_m2=polygon.area_m2,
            )
            for report, polygon in batch
        ]
    )
    first, last = ReportState.DRAFT, ReportState.SUBMITTED
    ReportMove.objects.bulk_create(
        [
            ReportMove(report=report, move="submit", from_state=first, to_state=last, by_id=report.author_id, at=at)
            for report, _polygon in batch
        ]
    )
