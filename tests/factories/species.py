"""Taxa, datasets and observations. Observations pass the same gate as imported ones."""

import factory
from django.contrib.gis.geos import Point
from factory.django import DjangoModelFactory

from species.models import Observation, ObservationDataset, Taxon
from species.states import Diffusion, Precision
from tests.factories.ground import A_DAY, AN_INSTANT, SIDE_DEGREES, SOUTH, WEST
from tests.factories.territories import TerritoryFactory


class TaxonFactory(DjangoModelFactory):
    """An accepted name of TAXREF."""

    class Meta:
        model = Taxon
        django_get_or_create = ("source", "source_id")

    class Params:
        cited = factory.Trait(source="cited", cd_nom=None)

    source = "TAXREF"
    source_id = factory.Sequence(lambda n: str(100_000 + n))
    cd_nom = factory.LazyAttribute(lambda row: int(row.source_id))
    scientific_name = factory.Sequence(lambda n: f"Exempla numero{n}")
    rank = "species"


class ObservationDatasetFactory(DjangoModelFactory):
    """A dataset whose convention allows exact positions."""

    class Meta:
        model = ObservationDataset
        django_get_or_create = ("name",)

    name = "Carnets d'essai"
    licence = "Licence Ouverte 2.0"
    diffusion = Diffusion.PRECISE
    file_name = "carnets.csv"
    file_sha256 = "0" * 64
    imported_at = AN_INSTANT


class ObservationFactory(DjangoModelFactory):
    """Seen in the middle of the first square; `shown_precision` follows the sensitivity unless it is given."""

    class Meta:
        model = Observation

    class Params:
        hidden = factory.Trait(sensitivity=Precision.NOTHING, shown_geometry=None)

    dataset = factory.SubFactory(ObservationDatasetFactory)
    source_id = factory.Sequence(lambda n: f"OBS-{n}")
    taxon = factory.SubFactory(TaxonFactory)
    cited_name = factory.LazyAttribute(lambda row: row.taxon.scientific_name)
    observed_from = A_DAY
    observed_to = A_DAY
    geometry = factory.LazyFunction(lambda: Point(WEST + SIDE_DEGREES / 2, SOUTH + SIDE_DEGREES / 2, srid=4326))
    commune = factory.SubFactory(TerritoryFactory)
    cell = "10kmL93E064N627"
    observers = "A. Essai"
    sensitivity = Precision.EXACT
    shown_precision = factory.SelfAttribute("sensitivity")
    shown_geometry = factory.SelfAttribute("geometry")
