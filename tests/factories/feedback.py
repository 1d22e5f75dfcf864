"""Rounds and reports, put in a state directly: the actions have tests of their own."""

import datetime
import uuid

import factory
from factory.django import DjangoModelFactory

from feedback.models import Report, ReportPolygon, Round
from feedback.states import ErrorType, EvidenceType, ReportState, RoundState
from tests.factories.ground import AN_INSTANT, square
from tests.factories.habitats import HabitatTypeFactory, PolygonFactory
from tests.factories.territories import RegionFactory, TerritoryFactory, UserFactory

LONG = datetime.timedelta(days=20_000)


class RoundFactory(DjangoModelFactory):
    """An open round on the whole region; `planned=True`, `in_grace=True` and `over=True` name the others."""

    class Meta:
        model = Round

    class Params:
        planned = factory.Trait(state=RoundState.PLANNED, opens_at=AN_INSTANT + LONG, opened_at=None)
        in_grace = factory.Trait(
            state=RoundState.CLOSED,
            closes_at=AN_INSTANT + datetime.timedelta(days=1),
            closed_at=AN_INSTANT + datetime.timedelta(days=1),
            grace_ends_at=AN_INSTANT + LONG,
        )
        over = factory.Trait(
            state=RoundState.CLOSED,
            closes_at=AN_INSTANT + datetime.timedelta(days=1),
            closed_at=AN_INSTANT + datetime.timedelta(days=1),
        )

    key = factory.Sequence(lambda n: f"2024-essai-m{n}")
    year = 2024
    region = factory.SubFactory(RegionFactory)
    territory = factory.SubFactory(TerritoryFactory, region=True, outline=square(side=0.4))
    name = "Tour d'essai"
    state = RoundState.OPEN
    opens_at = AN_INSTANT
    closes_at = factory.LazyAttribute(lambda row: row.opens_at + 2 * LONG)
    grace_ends_at = factory.LazyAttribute(lambda row: row.closes_at)
    opened_at = AN_INSTANT


class ReportFactory(DjangoModelFactory):
    """A report that was sent, on one polygon; `draft=True` for one that was not."""

    class Meta:
        model = Report
        skip_postgeneration_save = True

    class Params:
        draft = factory.Trait(state=ReportState.DRAFT, submitted_at=None)

    client_uuid = factory.LazyFunction(uuid.uuid4)
    round = factory.SubFactory(RoundFactory)
    author = factory.SubFactory(UserFactory)
    state = ReportState.SUBMITTED
    geometry = factory.LazyFunction(square)
    area_m2 = 250_000.0
    error_type = ErrorType.ATTRIBUTE
    proposed_type = factory.SubFactory(HabitatTypeFactory)
    comment = "Pelouse, non boisement."
    evidence_type = EvidenceType.FIELD_VISIT
    confidence = 2
    created_at = AN_INSTANT
    submitted_at = AN_INSTANT
    updated_at = AN_INSTANT


class ReportPolygonFactory(DjangoModelFactory):
    """The polygon of a report, as its author saw it."""

    class Meta:
        model = ReportPolygon

    report = factory.SubFactory(ReportFactory)
    polygon = factory.SubFactory(PolygonFactory)
    number = factory.LazyAttribute(lambda row: row.polygon.number)
    version_seen = factory.LazyAttribute(lambda row: row.polygon.version)
    type_seen = factory.LazyAttribute(lambda row: row.polygon.habitat_type)
    area_m2 = factory.LazyAttribute(lambda row: row.polygon.area_m2)
