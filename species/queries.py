"""Questions that join taxa, observations and territories. All start from one gate."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Max, QuerySet
from django.db.models.functions import Coalesce

from species.models import Observation, ObservationDataset, Taxon
from species.models.observations import ObservationQuerySet
from species.states import Precision
from territories.models import Territory

ACCEPTED = Coalesce("taxon__accepted", "taxon")


@dataclass(frozen=True, slots=True)
class TaxonSeen:
    """A taxon under its accepted name, and what may be told of its observations somewhere."""

    taxon: Taxon
    observations: int
    last_seen_on: datetime.date | None


@dataclass(frozen=True, slots=True)
class CommuneSeen:
    """A commune where a taxon was observed."""

    commune: Territory
    observations: int
    last_seen_on: datetime.date | None


def shown_observations() -> ObservationQuerySet:
    """The gate that every list passes, desks and exports included: what may appear, without its exact place."""
    return Observation.objects.exclude(shown_precision=Precision.NOTHING).defer("geometry", "cell")


def listed_observations() -> ObservationQuerySet:
    """The gate for lists by commune: those whose commune may be named."""
    return shown_observations().filter(shown_precision__lte=Precision.COMMUNE)


def taxa_of_commune(territory: Territory) -> list[TaxonSeen]:
    """The taxa observed in a commune (or a wider territory), by name.

    Only observations whose commune may be named count: a more sensitive taxon is not in the list, nor in its numbers.
    """
    rows = (
        listed_observations()
        .placed_in(territory)
        .order_by()
        .values(accepted=ACCEPTED)
        .annotate(observations=Count("pk"), last=Max("observed_to"))
    )
    found = {row["accepted"]: row for row in rows}
    taxa = Taxon.objects.filter(pk__in=found).order_by("scientific_name", "pk")
    return [TaxonSeen(taxon, found[taxon.pk]["observations"], found[taxon.pk]["last"]) for taxon in taxa]


def communes_of_taxon(taxon: Taxon) -> list[CommuneSeen]:
    """The communes where a taxon, or a synonym of it, was observed, the most often first."""
    rows = list(
        listed_observations()
        .filter(taxon__in=_names_of(taxon), commune__isnull=False)
        .order_by()
        .values("commune")
        .annotate(observations=Count("pk"), last=Max("observed_to"))
    )
    communes = (
        Territory.objects.without_geometry()
        .select_related("parent")
        .defer("parent__geometry", "parent__geometry_3857")
        .in_bulk([row["commune"] for row in rows])
    )
    seen = [CommuneSeen(communes[row["commune"]], row["observations"], row["last"]) for row in rows]
    return sorted(seen, key=lambda line: (-line.observations, line.commune.name))


def count_placed_coarsely(taxon: Taxon) -> int:
    """How many observations of a taxon are shown by 10 km cell or department only."""
    return shown_observations().filter(taxon__in=_names_of(taxon), shown_precision__gt=Precision.COMMUNE).count()


def datasets_of_taxon(taxon: Taxon) -> QuerySet[ObservationDataset]:
    """The datasets of its observations that are shown, to be named beside them."""
    shown = shown_observations().filter(taxon__in=_names_of(taxon))
    return ObservationDataset.objects.filter(pk__in=shown.order_by().values("dataset"))


def taxa_observed() -> QuerySet[Taxon]:
    """The accepted names with an observation that may be listed, by name."""
    observed = listed_observations().order_by().values_list(ACCEPTED, flat=True)
    return Taxon.objects.filter(pk__in=observed)


def taxa_named(text: str) -> QuerySet[Taxon]:
    """Names like a text, accents and case ignored; without a text, the taxa observed in the region."""
    found = Taxon.objects.named_like(text) if text else taxa_observed()
    return found.select_related("accepted")


def observations_of_taxa(taxa: Iterable[Taxon]) -> dict[int, int]:
    """How many listed observations each accepted name has, synonyms included; taxa without any are left out."""
    keys = [taxon.accepted_id or taxon.pk for taxon in taxa]
    rows = (
        listed_observations()
        .order_by()
        .annotate(accepted=ACCEPTED)
        .filter(accepted__in=keys)
        .values("accepted")
        .annotate(observations=Count("pk"))
    )
    return {row["accepted"]: row["observations"] for row in rows}


def _names_of(taxon: Taxon) -> QuerySet[Taxon]:
    """A taxon and its synonyms."""
    return Taxon.objects.filter(pk=taxon.pk) | Taxon.objects.filter(accepted=taxon)
