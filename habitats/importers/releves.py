"""Relevés from a file: checked whole, then written whole or not at all."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bioccia.import_reports import ImportReport, StoredRows
from bioccia.tables import Problem, TableError, refuse_problems
from habitats.actions import CitedHabitat, ReleveFacts, forget_releve_upload, import_releves, store_releve_dataset
from habitats.importers.releve_files import ReleveTable, read_releve_table
from habitats.importers.releve_places import Ground, as_geos
from habitats.importers.releve_rows import ReadRow, RowReader, WrongCell
from habitats.models import ReleveUpload
from habitats.queries import region_or_error
from habitats.storage import releve_file_path
from species.importers.values import is_absent
from species.states import Diffusion
from territories.models import Territory, User
from territories.permissions import require, territories_with_right

# What a relevé says once, however many rows it has.
SHARED_FIELDS = ("place", "observed_on")


@dataclass(frozen=True)
class CheckedFile:
    """What a file would bring: relevés where no cell is wrong, and the wrong cells."""

    rows: int
    facts: Sequence[ReleveFacts]
    wrong: Sequence[WrongCell]
    notices: Sequence[str]


@dataclass(kw_only=True)
class ReleveReport(ImportReport):
    """What is told of a file of relevés."""

    dataset: str
    releves: int = 0
    unchanged: int = 0
    dry_run: bool = False
    notices: list[str] = field(default_factory=list)


def check_releve_file(
    path: Path,
    *,
    by: User | None,
    at: datetime.datetime,
    corrections: Mapping[str, str] | None = None,
) -> CheckedFile:
    """Read a file of relevés and check every cell; nothing is written.

    Args:
        path: CSV, XLSX or GeoPackage.
        by: who sends it: their mandate bounds the places; None is the region folder.
        at: the moment; days after it are refused.
        corrections: texts typed on the page in place of cells, by `ROW.FIELD`.

    Raises:
        TableError: the file as a whole cannot be used.
        NotAllowedError: no `survey`.
    """
    today = timezone.localdate(at)
    held: Iterable[Territory] | None = None
    if by is not None:
        require(by, "survey", on=today)
        held = territories_with_right(by, "survey", on=today)
    read = read_releve_table(path)
    # A region folder may hold years that a played clock has not reached.
    latest = today if by is not None else datetime.date.max
    reader = RowReader(read, ground=Ground.of(region_or_error(), held), today=latest)
    rows = [reader.row(place, _corrections_of(number, corrections)) for place, number in enumerate(read.numbers)]
    releves = _gathered(rows, reader)
    wrong = sorted(reader.wrong, key=lambda cell: cell.row)
    facts = [] if wrong else [_facts(group) for group in releves]
    return CheckedFile(len(rows), facts, wrong, [*read.notices, *_notices(reader, len(releves))])


@transaction.atomic
def import_releve_file(
    path: Path, *, dataset_name: str, by: User | None, at: datetime.datetime, dry_run: bool = False
) -> ReleveReport:
    """Check a file of relevés, then write them as submitted, whole or not at all.

    Args:
        path: the file.
        dataset_name: made for the person's organisation if there is none of this name.
        by: who sends it; None is the region folder.
        at: the moment.
        dry_run: check only.

    Raises:
        TableError: naming the file, the rows, the fields and the way out; nothing was written.
        NotAllowedError: no `survey`, or the dataset belongs to somebody else.
    """
    checked = check_releve_file(path, by=by, at=at)
    refuse_problems(path, [Problem(cell.row, cell.header, cell.message) for cell in checked.wrong])
    report = ReleveReport(
        file=path.name,
        dataset=dataset_name,
        rows=checked.rows,
        releves=len(checked.facts),
        notices=list(checked.notices),
        dry_run=dry_run,
    )
    if dry_run:
        return report
    # Invented or open places of a region folder harm nobody more than its samples do.
    diffusion = Diffusion.PRECISE if by is None else Diffusion.STANDARD
    dataset = store_releve_dataset(name=dataset_name, by=by, at=at, diffusion=diffusion)
    stored = import_releves(dataset=dataset, facts=checked.facts, by=by, at=at)
    report.created, report.updated = stored.created, stored.updated
    report.unchanged = report.releves - stored.created - stored.updated
    return report


def check_releve_upload(upload: ReleveUpload, *, by: User, at: datetime.datetime) -> CheckedFile:
    """Check a file sent through the page, with the cells corrected there; `check_releve_file` says the rest."""
    path = releve_file_path(upload.stored_name)
    try:
        return check_releve_file(path, by=by, at=at, corrections=upload.corrections)
    except TableError as error:
        raise TableError(str(error).replace(path.name, upload.shown_name)) from error


@transaction.atomic
def submit_releve_upload(*, upload: ReleveUpload, by: User, at: datetime.datetime) -> StoredRows:
    """Write the relevés of a file sent through the page as submitted, and forget the file.

    Raises:
        TableError: a cell is wrong; nothing was written.
        NotAllowedError: somebody else's file or dataset.
    """
    held = ReleveUpload.objects.select_for_update().select_related("dataset").get(pk=upload.pk)
    checked = check_releve_upload(held, by=by, at=at)
    refuse_problems(Path(held.shown_name), [Problem(cell.row, cell.header, cell.message) for cell in checked.wrong])
    stored = import_releves(dataset=held.dataset, facts=checked.facts, by=by, at=at)
    forget_releve_upload(upload=held, by=by, at=at)
    return stored


def _corrections_of(number: int, corrections: Mapping[str, str] | None) -> dict[str, str]:
    start = f"{number}."
    return {key.removeprefix(start): text for key, text in (corrections or {}).items() if key.startswith(start)}


def _gathered(rows: Sequence[ReadRow], reader: RowReader) -> list[list[ReadRow]]:
    """The rows of each relevé: those of one number belong together, and must agree."""
    if "external_id" not in reader.read.table:
        return [[row] for row in rows if row.habitat or not _lacks_habitat([row], reader)]
    groups: dict[str, list[ReadRow]] = {}
    for row in rows:
        if is_absent(row.external_id):
            reader.fault(row, "external_id", _("is empty; give every relevé its number"))
        else:
            groups.setdefault(row.external_id, []).append(row)
    for group in groups.values():
        _check_agreement(group, reader)
        _lacks_habitat(group, reader)
    return list(groups.values())


def _check_agreement(group: Sequence[ReadRow], reader: RowReader) -> None:
    first, *others = group
    said = {(first.habitat, first.species)}
    for row in others:
        for name in SHARED_FIELDS:
            if getattr(row, name) != getattr(first, name):
                message = _("differs from row %(row)s of the same relevé; make them agree, or give another number")
                reader.fault(row, _column_of(name, reader.read), message % {"row": first.row})
        if (row.habitat, row.species) in said:
            message = _("says again what row %(row)s says of %(number)s; delete one, or give another number")
            reader.fault(row, "external_id", message % {"row": first.row, "number": row.external_id})
        said.add((row.habitat, row.species))


def _column_of(name: str, read: ReleveTable) -> str:
    candidates = {"place": ("geometry", "longitude", "x"), "observed_on": ("date",)}[name]
    return next((candidate for candidate in candidates if candidate in read.table), candidates[0])


def _lacks_habitat(group: Sequence[ReadRow], reader: RowReader) -> bool:
    """Note a relevé that lists species and cites no habitat; a wrong code is noted already."""
    first = group[0]
    noted = any(cell.row == row.row for cell in reader.wrong for row in group)
    if noted or any(row.habitat for row in group):
        return False
    reader.fault(first, "habitat", _("no row of this relevé cites a habitat; write its code"))
    return True


def _facts(group: Sequence[ReadRow]) -> ReleveFacts:
    first = group[0]
    if first.place is None:
        raise AssertionError("a file without a wrong cell has a place in every row")
    sensitivity = first.numbers["sensitivity"]
    habitats: dict[tuple[str, str], CitedHabitat] = {}
    for row in group:
        if row.habitat:
            habitats.setdefault((row.habitat.typology, row.habitat.code), row.habitat)
    return ReleveFacts(
        geometry=as_geos(first.place),
        habitats=tuple(habitats.values()),
        external_id=first.external_id,
        observed_on=first.observed_on,
        date_precision=first.date_precision,
        observers=first.texts["observers"],
        accuracy_m=first.numbers["accuracy"],
        area_m2=first.numbers["area"],
        method=first.texts["method"],
        comment=first.texts["comment"],
        sensitivity=None if sensitivity is None else int(sensitivity),
        species=tuple(row.species for row in group if row.species),
    )


def _notices(reader: RowReader, count: int) -> list[str]:
    """What comes in but cannot teach the map, and why."""
    notices = []
    if reader.undated:
        notices.append(
            ngettext(
                "No column gives the date: %(count)s relevé comes in undated. It can be judged, but teaches the map "
                "only once its date is known; none is made up.",
                "No column gives the date: %(count)s relevés come in undated. They can be judged, but teach the map "
                "only once their dates are known; none is made up.",
                count,
            )
            % {"count": count}
        )
    if reader.unsigned:
        notices.append(
            ngettext("%(count)s row names no observer.", "%(count)s rows name no observer.", reader.unsigned)
            % {"count": reader.unsigned}
        )
    for typology, codes in sorted(reader.unknown_codes.items()):
        loaded = typology.casefold() in reader.typologies
        notices.append(_unknown_codes(typology, sorted(codes), loaded=loaded))
    return notices


def _unknown_codes(typology: str, codes: Sequence[str], *, loaded: bool) -> str:
    words = {"typology": typology, "count": len(codes), "codes": ", ".join(codes[:10])}
    if loaded:
        sentence = _(
            "%(count)s codes are not in %(typology)s as it is loaded here (%(codes)s): they are kept as cited, and "
            "their relevés teach nothing until somebody corrects them."
        )
    else:
        sentence = _(
            "%(typology)s is not loaded here: its %(count)s codes are kept as cited, and their relevés teach nothing "
            "until import_typology and import_crosswalk bring it and its correspondences. Then import again."
        )
    return sentence % words
