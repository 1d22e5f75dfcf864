"""Datasets of relevés, relevés, and what is said of one before it is written."""

import datetime

import factory
from django.contrib.gis.geos import Point
from factory.django import DjangoModelFactory

from habitats.actions import CitedHabitat, ReleveFacts
from habitats.models import Crosswalk, CrosswalkRow, Determination, Releve, ReleveDataset
from habitats.states import ReleveLevel, ReleveState, Resolution
from species.states import Diffusion, Precision
from tests.factories.ground import AN_INSTANT, SOUTH, WEST
from tests.factories.habitats import HabitatTypeFactory, TypologyFactory
from tests.factories.territories import OrganisationFactory, UserFactory

A_SPOT = (WEST + 0.005, SOUTH + 0.005)


def spot(east=0.0, north=0.0):
    """A point of the first square of the grid, SRID 4326, moved by some degrees."""
    return Point(A_SPOT[0] + east, A_SPOT[1] + north, srid=4326)


class ReleveDatasetFactory(DjangoModelFactory):
    """A dataset of a consultancy whose convention shows exact places."""

    class Meta:
        model = ReleveDataset
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"Relevés {n}")
    organisation = factory.SubFactory(OrganisationFactory)
    diffusion = Diffusion.PRECISE
    created_at = AN_INSTANT


class ReleveFactory(DjangoModelFactory):
    """A submitted relevé of a legend's habitat; pass `habitat_type`, or `habitat_type=None` for none."""

    class Meta:
        model = Releve
        skip_postgeneration_save = True

    class Params:
        draft = factory.Trait(state=ReleveState.DRAFT, submitted_at=None)
        certain = factory.Trait(level=ReleveLevel.CERTAIN)
        hidden = factory.Trait(sensitivity=Precision.NOTHING, shown_precision=Precision.NOTHING, shown_geometry=None)

    dataset = factory.SubFactory(ReleveDatasetFactory)
    organisation = factory.SelfAttribute("dataset.organisation")
    author = factory.SubFactory(UserFactory, organisation=factory.SelfAttribute("..organisation"))
    external_id = factory.Sequence(lambda n: f"R{n}")
    observed_on = datetime.date(2024, 5, 12)
    observers = "A. Botaniste"
    geometry = factory.LazyFunction(spot)
    state = ReleveState.SUBMITTED
    shown_precision = Precision.EXACT
    shown_geometry = factory.LazyAttribute(lambda row: row.geometry.point_on_surface)
    created_at = changed_at = submitted_at = AN_INSTANT

    @factory.post_generation
    def habitat_type(self, create, given, **_options):
        """One determination, exact."""
        habitat = HabitatTypeFactory(code="E1.2", in_legend=True) if given is None else given
        Determination.objects.create(
            releve=self,
            position=0,
            cited_typology=habitat.typology.code,
            cited_code=habitat.code,
            cited_type=habitat,
            resolved_type=habitat,
            resolution=Resolution.EXACT,
        )


def releve_facts(**changes):
    """What a botanist says of one relevé."""
    facts = {
        "geometry": spot(),
        "habitats": (CitedHabitat("EUNIS2012", "E1.2"),),
        "observed_on": datetime.date(2024, 5, 12),
        "observers": "A. Botaniste",
    }
    return ReleveFacts(**{**facts, **changes})


def crosswalk_to(*habitats, code, typology, relation=">"):
    """A habitat of another typology, and the published rows that lead from it to habitats of the legend."""
    source = TypologyFactory(code=typology, name=typology)
    cited = HabitatTypeFactory(typology=source, code=code)
    table, _made = Crosswalk.objects.get_or_create(
        from_typology=source, to_typology=habitats[0].typology, version="essai"
    )
    for habitat in habitats:
        CrosswalkRow.objects.create(crosswalk=table, from_type=cited, to_type=habitat, relation=relation)
    return cited
