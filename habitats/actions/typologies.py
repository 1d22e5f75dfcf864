"""Every write about typologies and the crosswalks between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from bioccia.import_reports import StoredRows
from habitats.models import Crosswalk, CrosswalkRow, HabitatType, Typology

logger = structlog.get_logger(__name__)
BATCH = 2000


@dataclass(frozen=True, slots=True)
class TypologyFacts:
    """What is known of a typology as a whole."""

    code: str
    name: str
    edition: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class HabitatRow:
    """One habitat of a typology; None means that the table does not say, and what is stored is kept."""

    code: str
    parent_code: str | None = None
    level: int | None = None
    label_fr: str | None = None
    label_en: str | None = None
    cd_hab: int | None = None


@dataclass(frozen=True, slots=True)
class CrosswalkFacts:
    """What is known of a crosswalk as a whole."""

    from_typology: Typology
    to_typology: Typology
    edition: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Correspondence:
    """One row of a crosswalk, by the keys of its two habitat types."""

    from_type: int
    to_type: int
    relation: str = ""
    condition: str = ""


@transaction.atomic
def store_typology(*, facts: TypologyFacts, rows: Sequence[HabitatRow]) -> StoredRows:
    """Write a typology and its habitats, or update those already there; none is removed, since maps may use them.

    Args:
        facts: code, name, edition, source of the typology.
        rows: habitats with distinct codes; a `parent_code` names another row or a habitat already stored.
    """
    typology, _created = Typology.objects.update_or_create(
        code=facts.code, defaults={"name": facts.name, "version": facts.edition, "source": facts.source}
    )
    stored = {habitat.code: habitat for habitat in typology.types.all()}
    types = [_habitat_type(typology, row, stored.get(row.code)) for row in rows]
    HabitatType.objects.bulk_create(
        types,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["typology", "code"],
        update_fields=["level", "label_fr", "label_en", "cd_hab"],
    )
    _link_parents(typology, rows)
    result = StoredRows(created=sum(row.code not in stored for row in rows), updated=len(stored.keys() & _codes(rows)))
    logger.info("typology stored", typology=facts.code, created=result.created, updated=result.updated)
    return result


@transaction.atomic
def store_crosswalk(*, facts: CrosswalkFacts, rows: Sequence[Correspondence]) -> StoredRows:
    """Write one edition of a crosswalk: its rows are added, updated, and removed where the table has them no more."""
    crosswalk, _created = Crosswalk.objects.update_or_create(
        from_typology=facts.from_typology,
        to_typology=facts.to_typology,
        version=facts.edition,
        defaults={"source": facts.source},
    )
    stored = {
        (from_type, to_type, relation): pk
        for pk, from_type, to_type, relation in crosswalk.rows.values_list(
            "pk", "from_type_id", "to_type_id", "relation"
        )
    }
    kept = {(row.from_type, row.to_type, row.relation) for row in rows}
    stale = [pk for key, pk in stored.items() if key not in kept]
    CrosswalkRow.objects.filter(pk__in=stale).delete()
    CrosswalkRow.objects.bulk_create(
        [
            CrosswalkRow(
                crosswalk=crosswalk,
                from_type_id=row.from_type,
                to_type_id=row.to_type,
                relation=row.relation,
                condition=row.condition,
            )
            for row in rows
        ],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["crosswalk", "from_type", "to_type", "relation"],
        update_fields=["condition"],
    )
    result = StoredRows(created=len(kept - stored.keys()), updated=len(kept & stored.keys()), removed=len(stale))
    logger.info("crosswalk stored", crosswalk=str(crosswalk), created=result.created, removed=result.removed)
    return result


def _codes(rows: Sequence[HabitatRow]) -> set[str]:
    return {row.code for row in rows}


def _habitat_type(typology: Typology, row: HabitatRow, stored: HabitatType | None) -> HabitatType:
    """The row as it will be stored: what the table does not say keeps its stored value."""
    known = stored or HabitatType()
    return HabitatType(
        typology=typology,
        code=row.code,
        level=known.level if row.level is None else row.level,
        label_fr=row.label_fr or known.label_fr,
        label_en=row.label_en or known.label_en,
        cd_hab=known.cd_hab if row.cd_hab is None else row.cd_hab,
    )


def _link_parents(typology: Typology, rows: Sequence[HabitatRow]) -> None:
    """By a second upsert: thousands of rows in one UPDATE of Django take seconds."""
    types = {habitat.code: habitat for habitat in typology.types.all()}
    moved = []
    for row in rows:
        if row.parent_code is None:
            continue
        parent = types[row.parent_code] if row.parent_code else None
        if types[row.code].parent_id != (parent.pk if parent else None):
            moved.append(HabitatType(typology=typology, code=row.code, parent=parent))
    HabitatType.objects.bulk_create(
        moved,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["typology", "code"],
        update_fields=["parent"],
    )
