"""The table of occurrences of a file, whatever its kind: CSV, TSV, Darwin Core archive."""

from pathlib import Path

from django.utils.translation import gettext as _

from bioccia.tables import Table, TableError, read_table, require_fields
from species.importers.archives import OCCURRENCE, TAXON, data_files, is_zip, opened_archive, read_data_file

ALIASES: dict[str, tuple[str, ...]] = {
    "source_id": (
        "occurrenceID",
        "id_perm_sinp",
        "id_sinp_occtax",
        "gbifID",
        "id_synthese",
        "uuid",
        "identifiant",
        "identifier",
        "id",
    ),
    "cd_nom": ("cd_nom", "cdnom"),
    "taxon_id": ("taxonID", "id_taxon"),
    "cited_name": ("nom_cite", "verbatimScientificName", "cited_name"),
    "name": ("scientificName", "nom_scientifique", "lb_nom", "nom_valide", "nom_latin", "species", "espece", "taxon"),
    "authorship": ("scientificNameAuthorship", "lb_auteur"),
    "rank": ("taxonRank", "rang"),
    "family": ("family", "famille"),
    "date": ("eventDate", "date_obs", "date_observation", "date"),
    "date_from": ("date_debut", "date_min", "start_date"),
    "date_to": ("date_fin", "date_max", "end_date"),
    "year": ("year", "annee"),
    "month": ("month", "mois"),
    "day": ("day", "jour"),
    "latitude": ("decimalLatitude", "latitude", "lat", "y_wgs84"),
    "longitude": ("decimalLongitude", "longitude", "lon", "lng", "long", "x_wgs84"),
    "datum": ("geodeticDatum", "datum"),
    "uncertainty": ("coordinateUncertaintyInMeters", "precision_m", "incertitude", "incertitude_m", "precision"),
    "count": ("individualCount", "nombre", "effectif", "count_min", "denombrement_min"),
    "observers": ("recordedBy", "observateurs", "observateur", "observers", "observer"),
    "sensitivity": ("sensitivity", "niveau_sensibilite", "sensibilite", "sensi_niveau", "code_sensibilite"),
    "status": ("occurrenceStatus", "statut_observation", "statobs"),
}
TAXON_FIELDS = ("taxon_id", "cd_nom", "name", "authorship", "rank", "family")


def read_occurrence_table(path: Path, *, taxon: str = "", encoding: str = "utf-8") -> Table:
    """Read the recognised columns of a file of occurrences.

    Args:
        path: the file.
        taxon: the one name that the whole file is about, where no column names the taxon.
        encoding: of a table's text; an archive says its own.

    Raises:
        TableError: no occurrence in it, or no column for positions or for taxa.
    """
    table = _read_archive(path) if is_zip(path) else read_table(path, ALIASES, encoding=encoding)
    headers = list(table.headers.values())
    require_fields(path, headers, table, {name: ALIASES[name] for name in ("latitude", "longitude")})
    if not taxon and not {"name", "cited_name", "cd_nom", "taxon_id"} & table.columns.keys():
        raise TableError(
            _(
                "%(file)s has no column for the taxon. Name one scientificName or cd_nom, "
                'or say which taxon the whole file is about: --taxon "NAME".'
            )
            % {"file": path.name}
        )
    return table


def _read_archive(path: Path) -> Table:
    with opened_archive(path) as reader:
        files = data_files(reader, OCCURRENCE)
        if not files:
            raise TableError(
                _(
                    "%(file)s is a Darwin Core archive without any occurrence, neither as its core nor as an "
                    "extension. Its names go through import_taxa."
                )
                % {"file": path.name}
            )
        table, owners = read_data_file(path, files[0], ALIASES)
        is_core = files[0] is reader.core_file
        if is_core and "source_id" not in table:
            return Table(path, {**table.columns, "source_id": owners}, {**table.headers, "source_id": "id"})
        if not is_core and reader.core_file.file_descriptor.type == TAXON:
            taxa, identifiers = read_data_file(path, reader.core_file, ALIASES)
            return _with_taxa(table, owners, taxa, identifiers)
        return table


def _with_taxa(table: Table, owners: list[str], taxa: Table, identifiers: list[str]) -> Table:
    """The occurrences with what the core says of their taxon, where they do not say it themselves."""
    positions = {identifier: place for place, identifier in enumerate(identifiers)}
    columns = dict(table.columns)
    for name in TAXON_FIELDS:
        if name not in taxa:
            continue
        own = columns.get(name, [""] * len(owners))
        of_core = taxa.columns[name]
        columns[name] = [
            text or (of_core[positions[owner]] if owner in positions else "")
            for text, owner in zip(own, owners, strict=True)
        ]
    return Table(table.path, columns, {**taxa.headers, **table.headers})
