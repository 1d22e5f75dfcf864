"""Every write about taxa and observations."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import transaction

from bioccia.import_reports import StoredRows
from species.models import Observation, ObservationDataset, Taxon
from species.models.taxa import CITED
from species.permissions import Place, shown_place
from species.states import Diffusion, Precision

logger = structlog.get_logger(__name__)
BATCH = 2000
OBSERVATION_FIELDS = [
    name.attname for name in Observation._meta.concrete_fields if name.name not in {"id", "dataset", "source_id"}
]


@dataclass(frozen=True, slots=True)
class CitedName:
    """A name that no reference list holds, as an observation cites it."""

    key: str
    scientific_name: str
    cd_nom: int | None = None
    authorship: str = ""
    rank: str = ""
    family: str = ""


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One observation to store: its taxon by key or by cited name, its place, and the other columns."""

    source_id: str
    taxon: int | CitedName
    place: Place
    sensitivity: int
    columns: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def store_taxa(*, source: str, rows: Mapping[str, Mapping[str, Any]], accepted: Mapping[str, str]) -> StoredRows:
    """Write the names of a reference list, or update those already there; what a row does not say is kept.

    Args:
        source: the list, e.g. "TAXREF".
        rows: columns of Taxon by number in the list; the same columns in every row.
        accepted: number of the accepted name by number, for the names whose status is known.
    """
    known = set(Taxon.objects.filter(source=source).values_list("source_id", flat=True))
    fields = list(next(iter(rows.values()), {}))
    Taxon.objects.bulk_create(
        [Taxon(source=source, source_id=number, **columns) for number, columns in rows.items()],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["source", "source_id"],
        update_fields=fields,
    )
    _link_accepted(source, accepted)
    result = StoredRows(created=len(rows.keys() - known), updated=len(rows.keys() & known))
    logger.info("taxa stored", source=source, created=result.created, updated=result.updated)
    return result


@transaction.atomic
def replace_cited_taxa(*, found: Mapping[int, int]) -> int:
    """Give the observations of cited names to the taxa of a reference list that bear these names.

    Args:
        found: key of the reference's taxon by key of the cited one.

    Returns:
        How many cited names were replaced.
    """
    for cited, taxon in found.items():
        Observation.objects.filter(taxon_id=cited).update(taxon_id=taxon)
    remove_unused_citations()
    return len(found)


def remove_unused_citations() -> int:
    """Remove the cited names that no observation bears any more."""
    _count, by_model = Taxon.objects.only_cited().filter(observations=None).delete()
    return by_model.get("species.Taxon", 0)


@transaction.atomic
def store_dataset(
    *, name: str, at: datetime.datetime, file: Mapping[str, str], facts: Mapping[str, str]
) -> ObservationDataset:
    """Write what is known of a dataset; facts left empty keep their stored value.

    Args:
        name: of the dataset.
        at: the moment.
        file: `file_name` and `file_sha256` of what is imported.
        facts: `source`, `licence`, `owner`, `diffusion`.
    """
    said = {key: value for key, value in facts.items() if value}
    dataset, _created = ObservationDataset.objects.update_or_create(
        name=name, defaults={**file, **said, "imported_at": at}
    )
    return dataset


@transaction.atomic
def store_observations(
    *, dataset: ObservationDataset, rows: Sequence[ObservationRow], left_out: Collection[str] = ()
) -> StoredRows:
    """Write observations of a dataset, or update those already there, and decide what is shown of their place.

    Args:
        dataset: where they come from; its diffusion limits what is shown.
        rows: with distinct source numbers.
        left_out: source numbers that the same file gives and that may not stay (absent, out of the region).
    """
    known = set(dataset.observations.values_list("source_id", flat=True))
    taxa = _store_citations([row.taxon for row in rows if isinstance(row.taxon, CitedName)])
    Observation.objects.bulk_create(
        [_observation(dataset, row, taxa) for row in rows],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["dataset", "source_id"],
        update_fields=OBSERVATION_FIELDS,
    )
    removed, _by_model = dataset.observations.filter(source_id__in=known & set(left_out)).delete()
    if dataset.diffusion == Diffusion.STANDARD:
        # Rows of an earlier file, from before the dataset's convention became stricter.
        dataset.observations.filter(shown_precision=Precision.EXACT).update(
            shown_precision=Precision.NOTHING, shown_geometry=None
        )
    remove_unused_citations()
    numbers = {row.source_id for row in rows}
    result = StoredRows(created=len(numbers - known), updated=len(numbers & known), removed=removed)
    logger.info("observations stored", dataset=dataset.name, created=result.created, updated=result.updated)
    return result


def _link_accepted(source: str, accepted: Mapping[str, str]) -> None:
    """Point synonyms to their accepted name, in one step even where the list chains them."""
    stored = {taxon.source_id: taxon for taxon in Taxon.objects.filter(source=source)}
    changed = []
    for number in accepted:
        target, passed = accepted[number], {number}
        while target not in passed and accepted.get(target, target) != target:
            passed.add(target)
            target = accepted[target]
        name = stored.get(target) if target != number else None
        if stored[number].accepted_id != (name.pk if name else None):
            changed.append(
                Taxon(source=source, source_id=number, scientific_name=stored[number].scientific_name, accepted=name)
            )
    Taxon.objects.bulk_create(
        changed,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["source", "source_id"],
        update_fields=["accepted"],
    )


def _store_citations(names: Sequence[CitedName]) -> dict[str, int]:
    """Write the cited names; returns their keys in the table by their own key."""
    distinct = {name.key: name for name in names}
    Taxon.objects.bulk_create(
        [
            Taxon(
                source=CITED,
                source_id=name.key,
                scientific_name=name.scientific_name[:300],
                cd_nom=name.cd_nom,
                authorship=name.authorship[:300],
                rank=name.rank[:60],
                family=name.family[:120],
            )
            for name in distinct.values()
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    return dict(Taxon.objects.only_cited().filter(source_id__in=distinct).values_list("source_id", "pk"))


def _observation(dataset: ObservationDataset, row: ObservationRow, taxa: Mapping[str, int]) -> Observation:
    precision, point = shown_place(
        row.place,
        sensitivity=row.sensitivity,
        diffusion=dataset.diffusion,
        uncertainty_m=row.columns.get("uncertainty_m"),
    )
    return Observation(
        dataset=dataset,
        source_id=row.source_id,
        taxon_id=taxa[row.taxon.key] if isinstance(row.taxon, CitedName) else row.taxon,
        geometry=row.place.position,
        commune_id=row.place.commune,
        cell=row.place.cell,
        sensitivity=row.sensitivity,
        shown_precision=precision,
        shown_geometry=point,
        **row.columns,
    )
