"""Observations from a file, whole or not at all: read, place, find the taxa, store."""

import datetime
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.import_reports import SkippingReport
from bioccia.tables import Table, refuse_problems
from species.actions import CitedName, ObservationRow, store_dataset, store_observations
from species.importers.names import canonical_name, name_key
from species.importers.occurrence_rows import Occurrence, OccurrenceReader
from species.importers.occurrence_tables import read_occurrence_table
from species.importers.places import Gazetteer, Numbers
from species.importers.taxon_finder import TaxonFinder
from species.states import Precision


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What a person says of a dataset; what is left empty keeps its stored value."""

    source: str = ""
    licence: str = ""
    owner: str = ""
    diffusion: str = ""
    taxon: str = ""
    sensitivity: int = Precision.EXACT


@dataclass(kw_only=True)
class ObservationReport(SkippingReport):
    """What is told of a file of observations."""

    dataset: str
    file_sha256: str
    imported: int = 0
    taxa: int = 0
    taxa_only_cited: int = 0
    without_commune: int = 0
    without_date: int = 0


@transaction.atomic
def import_observation_file(
    path: Path,
    *,
    dataset_name: str,
    at: datetime.datetime,
    facts: DatasetFacts = DatasetFacts(),
    encoding: str = "utf-8",
) -> ObservationReport:
    """Import observations into a dataset, whole or not at all; importing again updates.

    Args:
        path: Darwin Core archive, CSV or TSV (`.gz` or not).
        dataset_name: made if there is none of this name.
        at: the moment; observations of a later day are refused.
        facts: what the person says of the dataset.
        encoding: of a table's text.

    Raises:
        TableError: naming the file, the row, the field and the way out; nothing was written.
        StateForbidsError: no region is loaded.
    """
    table = read_occurrence_table(path, taxon=facts.taxon, encoding=encoding)
    gazetteer = Gazetteer()
    report = ObservationReport(file=path.name, dataset=dataset_name, file_sha256=_sha256(path))
    occurrences = _read(table, gazetteer, facts, timezone.localdate(at))
    kept, left_out = _sort_out(occurrences, gazetteer, report)
    rows = _rows(kept, gazetteer)
    dataset = store_dataset(
        name=dataset_name,
        at=at,
        file={"file_name": path.name, "file_sha256": report.file_sha256},
        facts={name: getattr(facts, name) for name in ("source", "licence", "owner", "diffusion")},
    )
    stored = store_observations(dataset=dataset, rows=rows, left_out=left_out)
    report.created, report.updated, report.removed = stored.created, stored.updated, stored.removed
    return _counted(report, rows)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read(table: Table, gazetteer: Gazetteer, facts: DatasetFacts, today: datetime.date) -> list[Occurrence]:
    """Every row, with its number in the dataset; refuses the file if any value is wrong."""
    reader = OccurrenceReader(table, taxon=facts.taxon, sensitivity=facts.sensitivity, today=today)
    occurrences = [reader.read(number, values) for number, values in table.rows()]
    occurrences = _identified(occurrences, reader) if "source_id" in table else _numbered_by_content(occurrences)
    _refuse_swapped(occurrences, gazetteer, reader)
    refuse_problems(table.path, sorted(reader.problems, key=lambda problem: problem.row))
    return occurrences


def _identified(occurrences: Sequence[Occurrence], reader: OccurrenceReader) -> list[Occurrence]:
    """Check that each row has a number of its own; undo the ".0" of a spreadsheet that took them for measures."""
    are_floats = all(one.source_id.removesuffix(".0").isdigit() and "." in one.source_id for one in occurrences)
    first_rows: dict[str, int] = {}
    identified = []
    for one in occurrences:
        number = one.source_id.removesuffix(".0") if are_floats else one.source_id
        if not number:
            reader.wrong(one.row, "source_id", _("is empty; give every row its number"))
        elif (first := first_rows.setdefault(number, one.row)) != one.row:
            message = _("%(value)s is already the number of row %(row)s; keep one of them")
            reader.wrong(one.row, "source_id", message % {"value": number, "row": first})
        identified.append(replace(one, source_id=number))
    return identified


def _numbered_by_content(occurrences: Sequence[Occurrence]) -> list[Occurrence]:
    """Without a column of numbers, what a row says is its number, so that importing again finds it."""
    seen: Counter[str] = Counter()
    numbered = []
    for one in occurrences:
        said = (one.name, one.cd_nom, one.longitude, one.latitude, one.period, one.observers, one.count)
        digest = hashlib.sha256(repr(said).encode()).hexdigest()[:16]
        seen[digest] += 1
        numbered.append(replace(one, source_id=f"row:{digest}:{seen[digest]}"))
    return numbered


def _refuse_swapped(occurrences: Sequence[Occurrence], gazetteer: Gazetteer, reader: OccurrenceReader) -> None:
    """A position out of the region that would fall in it the other way round is a mistake, not a stranger."""
    longitudes, latitudes = _degrees(occurrences)
    swapped = ~gazetteer.holds(longitudes, latitudes) & gazetteer.holds(latitudes, longitudes)
    message = _("latitude and longitude look swapped: the other way round, the position is in the region")
    for position in np.flatnonzero(swapped).tolist():
        if not occurrences[position].left_out:
            reader.wrong(occurrences[position].row, "latitude", message)


def _sort_out(
    occurrences: Sequence[Occurrence], gazetteer: Gazetteer, report: ObservationReport
) -> tuple[list[Occurrence], set[str]]:
    """The occurrences to keep, and the numbers of those left out, counted with their reason."""
    report.rows = len(occurrences)
    inside = gazetteer.holds(*_degrees(occurrences))
    kept, left_out = [], set()
    for one, is_inside in zip(occurrences, inside, strict=True):
        reason = one.left_out or ("" if is_inside else "outside_region")
        if reason:
            report.skip(reason, one.row)
            left_out.add(one.source_id)
        else:
            kept.append(one)
    return kept, left_out


def _degrees(occurrences: Sequence[Occurrence]) -> tuple[Numbers, Numbers]:
    return np.array([one.longitude for one in occurrences]), np.array([one.latitude for one in occurrences])


def _rows(kept: Sequence[Occurrence], gazetteer: Gazetteer) -> list[ObservationRow]:
    finder = TaxonFinder()
    places = gazetteer.places(*_degrees(kept))
    return [
        ObservationRow(
            source_id=one.source_id,
            taxon=_taxon(one, finder),
            place=place,
            sensitivity=one.sensitivity,
            columns={
                "cited_name": one.cited_name or one.name or one.taxon_id or str(one.cd_nom),
                "observed_from": one.period[0] if one.period else None,
                "observed_to": one.period[1] if one.period else None,
                "uncertainty_m": one.uncertainty_m,
                "count": one.count,
                "observers": one.observers,
            },
        )
        for one, place in zip(kept, places, strict=True)
    ]


def _taxon(one: Occurrence, finder: TaxonFinder) -> int | CitedName:
    found = finder.find(cd_nom=one.cd_nom, taxon_id=one.taxon_id, name=one.name)
    if found is not None:
        return found
    name = canonical_name(one.name) or one.taxon_id or f"cd_nom {one.cd_nom}"
    return CitedName(key=(name_key(name) or name.lower())[:200], scientific_name=name, cd_nom=one.cd_nom, **one.facts)


def _counted(report: ObservationReport, rows: Sequence[ObservationRow]) -> ObservationReport:
    report.imported = len(rows)
    cited = {row.taxon.key for row in rows if isinstance(row.taxon, CitedName)}
    report.taxa_only_cited = len(cited)
    report.taxa = len(cited) + len({row.taxon for row in rows if not isinstance(row.taxon, CitedName)})
    report.without_commune = sum(row.place.commune is None for row in rows)
    report.without_date = sum(row.columns["observed_from"] is None for row in rows)
    return report
