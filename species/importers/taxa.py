"""Names of species from a table such as TAXREF, or from a Darwin Core archive whose core is Taxon."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bioccia.import_reports import ImportReport
from bioccia.tables import Problem, Table, TableError, longest_text, read_table, refuse_problems, require_fields
from species.actions import replace_cited_taxa, store_taxa
from species.importers.archives import TAXON, VERNACULAR, data_files, is_zip, opened_archive, read_data_file
from species.importers.names import canonical_name
from species.importers.taxon_finder import TaxonFinder
from species.models import Taxon

ALIASES: dict[str, tuple[str, ...]] = {
    "cd_nom": ("cd_nom", "cdnom"),
    "taxon_id": ("taxonID", "taxon_id", "identifier"),
    "scientific_name": ("lb_nom", "nom_scientifique", "scientificName", "nom_complet", "canonicalName"),
    "authorship": ("lb_auteur", "scientificNameAuthorship", "authorship", "auteur"),
    "accepted": ("cd_ref", "acceptedNameUsageID", "accepted_id"),
    "vernacular_fr": ("nom_vern", "nom_vernaculaire", "nom_francais", "vernacularName_fr"),
    "vernacular_en": ("nom_vern_eng", "vernacularName_en"),
    "rank": ("rang", "taxonRank", "rank"),
    "family": ("famille", "family"),
    "group": ("group2_inpn", "group1_inpn", "groupe", "phylum"),
    "status": ("taxonomicStatus", "statut"),
    "match": ("matchType",),
}
# A GBIF match of another kind than exact describes a higher or a neighbouring name: its author is not this one's.
EXACT = "EXACT"
MATCHED_FIELDS = ("authorship", "family", "group")
RANKS = {
    "kd": "kingdom",
    "ph": "phylum",
    "cl": "class",
    "or": "order",
    "fm": "family",
    "gn": "genus",
    "es": "species",
    "sses": "subspecies",
    "var": "variety",
    "svar": "subvariety",
    "fo": "form",
    "hyb": "hybrid",
    "varietas": "variety",
    "forma": "form",
}
LANGUAGES = {"fr": "fr", "fra": "fr", "fre": "fr", "french": "fr", "français": "fr"}
LANGUAGES |= {"en": "en", "eng": "en", "english": "en", "anglais": "en"}
SYNONYM_WORDS = ("synonym", "synonyme", "invalid", "unaccepted", "not accepted", "misapplied")
TAXREF = "TAXREF"


@dataclass(kw_only=True)
class TaxonReport(ImportReport):
    """What was imported, what was not, and why."""

    source: str
    synonyms: int = 0
    citations_replaced: int = 0
    notices: list[str] = field(default_factory=list)


@transaction.atomic
def import_taxon_file(path: Path, *, source: str = "", encoding: str = "utf-8") -> TaxonReport:
    """Import a list of names, whole or not at all; importing it again updates it.

    Args:
        path: CSV or TSV (`.gz` or not) with the columns of ALIASES, or a Darwin Core archive.
        source: name of the list; default: TAXREF where a column is CD_NOM, else the name of the file.
        encoding: of a table's text.

    Raises:
        TableError: naming the file, the row, the field and the way out.
    """
    table, vernaculars = _read_archive(path) if is_zip(path) else (read_table(path, ALIASES, encoding=encoding), {})
    key = "cd_nom" if "cd_nom" in table else "taxon_id"
    require_fields(path, list(table.headers.values()), table, {"scientific_name": ALIASES["scientific_name"]})
    require_fields(path, list(table.headers.values()), table, {key: (*ALIASES["cd_nom"][:1], *ALIASES["taxon_id"][:1])})
    source = source or (TAXREF if key == "cd_nom" else path.name.split(".")[0])
    report = TaxonReport(file=path.name, source=source)
    rows, accepted = _read_rows(table, key, vernaculars, report)
    stored = store_taxa(source=report.source, rows=rows, accepted=accepted)
    report.created, report.updated = stored.created, stored.updated
    report.synonyms = Taxon.objects.filter(source=report.source, accepted__isnull=False).count()
    report.citations_replaced = _replace_citations()
    return report


def _read_archive(path: Path) -> tuple[Table, dict[str, dict[str, str]]]:
    with opened_archive(path) as reader:
        files = data_files(reader, TAXON)
        if not files:
            raise TableError(
                _("%(file)s is an archive without any Taxon table. Its observations go through import_observations.")
                % {"file": path.name}
            )
        table, identifiers = read_data_file(path, files[0], ALIASES)
        if "taxon_id" not in table:
            table = Table(path, {**table.columns, "taxon_id": identifiers}, {**table.headers, "taxon_id": "id"})
        names = [
            read_data_file(path, file, {"name": ["vernacularName"], "language": ["language"]})
            for file in data_files(reader, VERNACULAR)
        ]
    vernaculars: dict[str, dict[str, str]] = {}
    for name_table, owners in names:
        languages = name_table.columns.get("language", [""] * len(owners))
        for owner, name, language in zip(owners, name_table.columns.get("name", ()), languages, strict=True):
            if name and (code := LANGUAGES.get(language.lower())):
                vernaculars.setdefault(owner, {}).setdefault(f"vernacular_{code}", name)
    return table, vernaculars


def _read_rows(
    table: Table, key: str, vernaculars: dict[str, dict[str, str]], report: TaxonReport
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    problems: list[Problem] = []
    rows: dict[str, dict[str, Any]] = {}
    accepted: dict[str, str] = {}
    first_rows: dict[str, int] = {}
    says_status = any(_is_synonym(values) for _number, values in table.rows())
    for number, values in table.rows():
        report.rows += 1
        identifier = values[key]
        wrong = _wrong_values(table, number, values, key)
        if not wrong and first_rows.setdefault(identifier, number) != number:
            message = _("%(value)s is already the number of row %(row)s; keep one of them")
            wrong = [
                Problem(number, table.header_of(key), message % {"value": identifier, "row": first_rows[identifier]})
            ]
        problems += wrong
        if not wrong:
            rows[identifier] = {**_columns(table, values, key), **_vernaculars_of(vernaculars, identifier)}
            if "accepted" in table:
                # Some lists fill the column of valid names too, with the first name they had.
                is_synonym = _is_synonym(values) or not says_status
                accepted[identifier] = (is_synonym and values["accepted"]) or identifier
    refuse_problems(table.path, problems)
    unknown = [number for number, target in accepted.items() if target not in rows]
    if unknown:
        report.notices.append(
            ngettext(
                "%(count)s name points to an accepted name that is not in the file, and was left without: %(list)s",
                "%(count)s names point to an accepted name that is not in the file, and were left without: %(list)s",
                len(unknown),
            )
            % {"count": len(unknown), "list": ", ".join(unknown[:10])}
        )
    return rows, accepted


def _vernaculars_of(vernaculars: dict[str, dict[str, str]], identifier: str) -> dict[str, str]:
    """The everyday names of a taxon, as columns; nothing where the archive has no table of them."""
    if not vernaculars:
        return {}
    longest = longest_text(Taxon, "vernacular_fr")
    return {
        name: vernaculars.get(identifier, {}).get(name, "")[:longest] for name in ("vernacular_fr", "vernacular_en")
    }


def _is_synonym(values: dict[str, str]) -> bool:
    return any(word in values.get("status", "").lower() for word in SYNONYM_WORDS)


def _wrong_values(table: Table, number: int, values: dict[str, str], key: str) -> list[Problem]:
    problems = []
    if not values[key]:
        problems.append(Problem(number, table.header_of(key), _("is empty; give the name its number")))
    elif key == "cd_nom" and not values[key].isdigit():
        problems.append(
            Problem(number, table.header_of(key), _("%(value)s is not a whole number") % {"value": values[key]})
        )
    if not canonical_name(values["scientific_name"]):
        problems.append(Problem(number, table.header_of("scientific_name"), _("is empty; write the name")))
    for name in ("scientific_name", "authorship", "vernacular_fr", "vernacular_en", "rank", "family", "group"):
        longest = longest_text(Taxon, name)
        if len(values.get(name, "")) > longest:
            message = _("is longer than %(limit)s characters: shorten it") % {"limit": longest}
            problems.append(Problem(number, table.header_of(name), message))
    return problems


def _columns(table: Table, values: dict[str, str], key: str) -> dict[str, Any]:
    """The columns of Taxon that the table says; the same ones for every row."""
    columns: dict[str, Any] = {
        name: values[name]
        for name in ("scientific_name", "authorship", "vernacular_fr", "vernacular_en", "family", "group")
        if name in table
    }
    if "match" in table and values["match"] != EXACT:
        columns |= {name: "" for name in MATCHED_FIELDS if name in table}
    if "rank" in table:
        columns["rank"] = RANKS.get(values["rank"].lower(), values["rank"].lower())
    if key == "cd_nom":
        columns["cd_nom"] = int(values["cd_nom"])
    return columns


def _replace_citations() -> int:
    """Names cited by observations before their reference list was loaded find their place in it."""
    cited = Taxon.objects.only_cited().values_list("pk", "cd_nom", "scientific_name")
    if not cited:
        return 0
    finder = TaxonFinder()
    found = {pk: finder.find(cd_nom=cd_nom, taxon_id="", name=name) for pk, cd_nom, name in cited}
    return replace_cited_taxa(found={cited_key: taxon for cited_key, taxon in found.items() if taxon is not None})
