"""Typologies, samples, vintages and what is computed from them."""

import datetime

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from habitats.models import (
    GeneralisedPolygon,
    HabitatType,
    LegendEntry,
    Polygon,
    Sample,
    TerritoryStatistic,
    TerritoryTransition,
    Typology,
    Vintage,
)
from habitats.states import SampleDesign, SampleOrigin, SampleSet, Stake, VintageState
from tests.factories.ground import AN_INSTANT, SIDE_DEGREES, square
from tests.factories.ml import ArtefactFactory, ModelVersionFactory
from tests.factories.territories import RegionFactory, TerritoryFactory

COLORS = ("#9e6b3f", "#7fb069", "#2e6b4f", "#e0c060", "#6fb5d6", "#b0b0b0", "#c95f4a", "#d6e68f")


class TypologyFactory(DjangoModelFactory):
    """The typology of the legend."""

    class Meta:
        model = Typology
        django_get_or_create = ("code",)

    code = "EUNIS2012"
    name = "EUNIS 2012"


class HabitatTypeFactory(DjangoModelFactory):
    """One habitat of the legend's typology; `in_legend=True` gives it a colour too."""

    class Meta:
        model = HabitatType
        django_get_or_create = ("typology", "code")
        skip_postgeneration_save = True

    class Params:
        in_legend = factory.Trait(
            legend_entry=factory.RelatedFactory("tests.factories.habitats.LegendEntryFactory", "habitat_type")
        )

    typology = factory.SubFactory(TypologyFactory)
    code = factory.Sequence(lambda n: f"H{n}")
    label_fr = factory.LazyAttribute(lambda row: f"Habitat {row.code} aux fleurs très nombreuses")
    label_en = factory.LazyAttribute(lambda row: f"Habitat {row.code} with very many flowers")


class LegendEntryFactory(DjangoModelFactory):
    """A row of the legend."""

    class Meta:
        model = LegendEntry
        django_get_or_create = ("habitat_type",)

    class Params:
        high_stake = factory.Trait(stake=Stake.HIGH)

    habitat_type = factory.SubFactory(HabitatTypeFactory)
    position = factory.Sequence(lambda n: n % 30_000)
    color = factory.Iterator(COLORS)
    stake = Stake.MEDIUM


class SampleFactory(DjangoModelFactory):
    """A training sample that came from a relevé; traits name the other sets and origins."""

    class Meta:
        model = Sample

    class Params:
        selection = factory.Trait(sample_set=SampleSet.SELECTION, given_split="test")
        audit = factory.Trait(sample_set=SampleSet.AUDIT, design=SampleDesign.PROBABILITY, inclusion_probability=0.01)
        from_report = factory.Trait(origin=SampleOrigin.REPORT)
        retired = factory.Trait(retired_at=AN_INSTANT)

    key = factory.Sequence(lambda n: f"test/2024/{n}")
    year = 2024
    habitat_type = factory.SubFactory(HabitatTypeFactory)
    geometry = factory.LazyFunction(lambda: square(side=SIDE_DEGREES / 20))
    observed_on = datetime.date(2024, 5, 12)
    observers = "A. Botaniste"
    origin = SampleOrigin.RELEVE
    sample_set = SampleSet.TRAINING


class VintageFactory(DjangoModelFactory):
    """A working vintage; `published=True`, `building=True` and `replaced=True` name the other states."""

    class Meta:
        model = Vintage

    class Params:
        published = factory.Trait(state=VintageState.PUBLISHED)
        building = factory.Trait(state=VintageState.BUILDING)
        replaced = factory.Trait(state=VintageState.REPLACED)

    region = factory.SubFactory(RegionFactory)
    year = 2024
    version = factory.SubFactory(ModelVersionFactory, approved=True)
    state = VintageState.WORKING
    classes = factory.SubFactory(ArtefactFactory, raster=True)
    confidence = factory.SubFactory(ArtefactFactory, raster=True)
    runner_ups = factory.SubFactory(ArtefactFactory, raster=True)
    minimum_unit_px = 4
    created_at = factory.LazyFunction(timezone.now)


class PolygonFactory(DjangoModelFactory):
    """A polygon without runner-ups; pass `outline=square(2, 1)` to place it."""

    class Meta:
        model = Polygon

    class Params:
        outline = factory.LazyFunction(square)
        doubtful = factory.Trait(
            confidence=41,
            runner_up_1=factory.SubFactory(HabitatTypeFactory),
            runner_up_1_share=33,
            runner_up_2=factory.SubFactory(HabitatTypeFactory),
            runner_up_2_share=12,
        )

    vintage = factory.SubFactory(VintageFactory, published=True)
    number = factory.Sequence(lambda n: n + 1)
    habitat_type = factory.SubFactory(HabitatTypeFactory)
    confidence = 80
    geometry = factory.LazyAttribute(lambda row: row.outline)
    geometry_3857 = factory.LazyAttribute(lambda row: row.outline.transform(3857, clone=True))
    area_m2 = factory.LazyAttribute(lambda row: row.outline.transform(2154, clone=True).area)


class GeneralisedPolygonFactory(DjangoModelFactory):
    """A polygon of the low zooms."""

    class Meta:
        model = GeneralisedPolygon

    vintage = factory.SubFactory(VintageFactory, published=True)
    max_zoom = 9
    habitat_type = factory.SubFactory(HabitatTypeFactory)
    geometry_3857 = factory.LazyFunction(lambda: square().transform(3857, clone=True))


class TerritoryStatisticFactory(DjangoModelFactory):
    """The area of a habitat in a territory."""

    class Meta:
        model = TerritoryStatistic

    vintage = factory.SubFactory(VintageFactory, published=True)
    territory = factory.SubFactory(TerritoryFactory)
    habitat_type = factory.SubFactory(HabitatTypeFactory)
    area_m2 = 250_000.0


class TerritoryTransitionFactory(DjangoModelFactory):
    """The area that went from one habitat to another."""

    class Meta:
        model = TerritoryTransition

    vintage = factory.SubFactory(VintageFactory, published=True)
    earlier = factory.SubFactory(VintageFactory, published=True, year=2023)
    territory = factory.SubFactory(TerritoryFactory)
    from_type = factory.SubFactory(HabitatTypeFactory)
    to_type = factory.SubFactory(HabitatTypeFactory)
    area_m2 = 40_000.0
