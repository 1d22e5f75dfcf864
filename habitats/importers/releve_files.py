"""Files of relevés, whatever their kind: CSV, XLSX or GeoPackage, told apart by their content, not by their name."""

import csv
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import CRSError

from bioccia.tables import DELIMITERS, Table, TableError, match_headers, normalised_header, read_table

LARGEST_BYTES = 20_000_000
LARGEST_UNPACKED_BYTES = 60_000_000
MOST_ROWS = 5_000
MOST_COLUMNS = 300
SQLITE_START = b"SQLite format 3\x00"
ZIP_START, OLD_OFFICE_START = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff")
WORKBOOK = "xl/workbook.xml"
CELL = re.compile(rb'\sr="([A-Z]{0,8})([0-9]{1,8})"')
LONGEST_COLUMN_NAME = 2  # ZZ is the 702nd column

ALIASES: dict[str, tuple[str, ...]] = {
    "external_id": (
        "releve_id", "id_releve", "releve_uuid", "numero_releve", "num_releve", "plot_id", "plot", "id_station",
        "identifiant", "identifier", "uuid", "id",
    ),
    "date": ("date", "date_releve", "date_obs", "date_observation", "observed_on", "eventDate", "date_debut"),
    "observers": ("observateurs", "observateur", "observers", "observer", "recordedBy", "auteurs", "auteur"),
    "longitude": ("longitude", "lon", "lng", "long", "x_wgs84", "decimalLongitude"),
    "latitude": ("latitude", "lat", "y_wgs84", "decimalLatitude"),
    "x": ("x", "x_l93", "x_lambert93", "coord_x", "easting"),
    "y": ("y", "y_l93", "y_lambert93", "coord_y", "northing"),
    "epsg": ("epsg", "srid", "crs", "projection"),
    "geometry": ("geometry", "geometrie", "wkt", "geom", "the_geom"),
    "accuracy": ("precision_m", "accuracy_m", "precision", "incertitude_m", "coordinateUncertaintyInMeters"),
    "area": ("surface_m2", "area_m2", "surface", "aire_m2"),
    "method": ("methode", "method", "technique_collecte", "protocole"),
    "comment": ("commentaire", "comment", "remarques", "remarque", "comments"),
    "sensitivity": ("sensibilite", "sensitivity", "niveau_sensibilite"),
    "habitat": ("habitat", "code_habitat", "habitat_code", "lb_code", "code_eunis", "eunis", "code_hab", "code"),
    "habitat_name": ("nom_cite", "nom_habitat", "habitat_nom", "habitat_name", "label_fr", "libelle"),
    "typology": ("typologie", "typology", "referentiel", "typo"),
    "cover": ("recouvrement_pct", "recouvrement", "cover_pct", "cover", "pourcentage"),
    "taxon": ("taxon", "espece", "nom_taxon", "scientificName", "species", "taxon_nom_cite"),
    "cd_nom": ("taxon_cd_nom", "cd_nom"),
    "abundance": ("taxon_abondance_dominance", "abondance_dominance", "braun_blanquet", "coefficient", "abundance"),
}  # fmt: skip
# A column that says by its name which typology its codes belong to.
TYPED_COLUMNS = {
    "EUNIS2012": ("eunis_2012_code", "code_eunis_2012", "eunis_2012"),
    "EUNIS2022": ("eunis_2022_code", "code_eunis_2022", "eunis_2022"),
    "CORINE": ("code_corine", "corine_biotopes", "corine"),
    "HIC": ("code_hic", "code_n2000", "natura2000", "hic"),
    "PVF2": ("code_pvf2", "pvf2", "syntaxon"),
}
ALL_ALIASES = {**ALIASES, **{f"habitat:{typology}": names for typology, names in TYPED_COLUMNS.items()}}
HABITAT_FIELDS = ("habitat", *(f"habitat:{typology}" for typology in TYPED_COLUMNS))


@dataclass(frozen=True)
class ReleveTable:
    """The rows of a file.

    Attributes:
        table: the recognised columns, as texts.
        numbers: of each row, as a spreadsheet shows it (a GeoPackage: its fid).
        shapes: a geometry or None for each row; None where the file has no geometries of its own.
        crs: of the shapes.
        notices: what the person should know of how the file was read.
    """

    table: Table
    numbers: Sequence[int]
    shapes: NDArray[np.object_] | None = None
    crs: CRS | None = None
    notices: list[str] = field(default_factory=list)

    def row_texts(self, place: int) -> dict[str, str]:
        """The texts of a row by field."""
        return {name: values[place] for name, values in self.table.columns.items()}

    @property
    def path(self) -> Path:
        """The file, for messages."""
        return self.table.path


def read_releve_table(path: Path) -> ReleveTable:
    """Read a file of relevés.

    Args:
        path: CSV or TSV (UTF-8, UTF-16 or cp1252), XLSX, or GeoPackage.

    Raises:
        TableError: missing, too large, of another kind, damaged, or without the columns of relevés.
    """
    start = _start_of(path)
    if start.startswith(SQLITE_START):
        read = _read_geopackage(path)
    elif start.startswith(ZIP_START):
        _check_workbook(path)
        read = _read_sheet(path)
    else:
        _refuse_other_kinds(path, start)
        read = _read_text(path, start)
    _require_columns(read)
    filled = [place for place in range(len(read.numbers)) if _is_filled(read, place)]
    if not filled:
        raise TableError(_("%(file)s has no row under its header.") % {"file": path.name})
    return _chosen(read, filled)


def _start_of(path: Path) -> bytes:
    if not path.is_file():
        raise TableError(_("%(file)s is not a file that exists. Check its path.") % {"file": path})
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise TableError(
            _("%(file)s weighs %(size)s MB; at most %(limit)s MB is taken. Cut it into several files.")
            % {"file": path.name, "size": f"{size / 1e6:.0f}", "limit": LARGEST_BYTES // 1_000_000}
        )
    with path.open("rb") as stream:
        return stream.read(64)


def _refuse_other_kinds(path: Path, start: bytes) -> None:
    kinds = {OLD_OFFICE_START: _("an old Office file"), b"%PDF": _("a PDF"), b"<": _("XML or HTML")}
    found = next((name for sign, name in kinds.items() if start.lstrip().startswith(sign)), None)
    if found is None and b"\x00" in start and not start.startswith(UTF16_STARTS):
        found = _("a binary file")
    if found:
        raise TableError(
            _("%(file)s is %(kind)s. Send the relevés as CSV, XLSX or GeoPackage, one row for each.")
            % {"file": path.name, "kind": found}
        )


def _read_text(path: Path, start: bytes) -> ReleveTable:
    notices = []
    encoding = "utf-16" if start.startswith(UTF16_STARTS) else "utf-8"
    try:
        path.read_text(encoding=encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        notices.append(_("The file is not in UTF-8: it was read as Windows-1252. Check the accents."))
    table = read_table(path, ALL_ALIASES, encoding=encoding)
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        first = stream.readline().lstrip("\ufeff")
    headers = next(csv.reader([first], delimiter=max(DELIMITERS, key=first.count)))
    _refuse_repeated(path, [header.strip() for header in headers])
    count = len(next(iter(table.columns.values()), ()))
    _refuse_too_many(path, count)
    return ReleveTable(table, range(2, count + 2), notices=notices)


def _check_workbook(path: Path) -> None:
    """Refuse what would not fit in memory once unpacked, or once laid out as a grid."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if WORKBOOK not in {part.filename for part in parts}:
                raise TableError(
                    _("%(file)s is a zip without a spreadsheet in it. Send an XLSX, or what the zip holds.")
                    % {"file": path.name}
                )
            if sum(part.file_size for part in parts) > LARGEST_UNPACKED_BYTES:
                raise TableError(
                    _("%(file)s holds more than %(limit)s MB once unpacked. Keep only the sheet of the relevés.")
                    % {"file": path.name, "limit": LARGEST_UNPACKED_BYTES // 1_000_000}
                )
            for part in parts:
                if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                    _check_sheet(path, archive.read(part))
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise _damaged(path) from error


def _check_sheet(path: Path, content: bytes) -> None:
    """A cell far away makes a small file a huge grid."""
    for column, row in CELL.findall(content):
        if len(column) > LONGEST_COLUMN_NAME or int(row) > 2 * MOST_ROWS:
            raise TableError(
                _("%(file)s has a cell at %(cell)s: at most %(rows)s rows and %(columns)s columns are taken.")
                % {
                    "file": path.name,
                    "cell": (column + row).decode(),
                    "rows": MOST_ROWS,
                    "columns": MOST_COLUMNS,
                }
            )


def _read_sheet(path: Path) -> ReleveTable:
    layer = _layer_of(path)
    # Dates and numbers as the sheet holds them; a formula gives the value that it had when the file was saved.
    read = _read_layer(path, layer, HEADERS="FORCE", FIELD_TYPES="STRING")
    return _as_table(path, *read)


def _read_geopackage(path: Path) -> ReleveTable:
    read = _as_table(path, *_read_layer(path, _layer_of(path)))
    if read.shapes is not None and read.crs is None:
        raise TableError(
            _("%(file)s does not say its projection. Set its EPSG code and save it again.") % {"file": path.name}
        )
    return read


def _layer_of(path: Path) -> str:
    try:
        with _quiet():
            layers = [str(name) for name, _kind in pyogrio.list_layers(path)]
    except DataSourceError as error:
        raise _damaged(path) from error
    named = [name for name in layers if "releve" in normalised_header(name)]
    chosen = layers if len(layers) == 1 else named
    if len(chosen) != 1:
        raise TableError(
            _("%(file)s holds %(count)s tables (%(names)s). Keep one, or call the right one “releves”.")
            % {"file": path.name, "count": len(layers), "names": ", ".join(layers[:8])}
        )
    return chosen[0]


def _read_layer(path: Path, layer: str, **options: Any) -> tuple[dict[str, Any], Any, Any, Any]:
    most = 2 * MOST_ROWS + 1
    try:
        with _quiet():
            read: tuple[dict[str, Any], Any, Any, Any] = pyogrio.raw.read(
                path, layer=layer, return_fids=True, max_features=most, force_2d=True, **options
            )
    except (DataSourceError, DataLayerError, RuntimeError, ValueError) as error:
        raise _damaged(path) from error
    return read


@contextmanager
def _quiet() -> Iterator[None]:
    """What GDAL mutters about a damaged file is not for the person: the refusal is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _as_table(path: Path, meta: dict[str, Any], fids: Any, shapes: Any, values: Any) -> ReleveTable:
    headers = [str(name) for name in meta["fields"]]
    _refuse_repeated(path, headers)
    _refuse_too_many(path, len(fids), len(headers))
    positions = match_headers(headers, ALL_ALIASES)
    columns = {name: [_text_of(value) for value in values[place]] for name, place in positions.items()}
    table = Table(path, columns, {name: headers[place] for name, place in positions.items()})
    if shapes is None:
        return ReleveTable(table, fids.tolist())
    return ReleveTable(table, fids.tolist(), _shapes(shapes), _crs_of(meta))


def _shapes(wkb: Any) -> NDArray[np.object_]:
    return np.array(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)


def _crs_of(meta: dict[str, Any]) -> CRS | None:
    try:
        return CRS.from_user_input(meta["crs"]) if meta.get("crs") else None
    except CRSError:
        return None


def _text_of(value: Any) -> str:
    """As a person would have typed it: whole numbers without ".0", days without their midnight."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, np.datetime64):
        return "" if np.isnat(value) else str(value)[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _refuse_repeated(path: Path, headers: Sequence[str]) -> None:
    known = {normalised_header(name) for names in ALL_ALIASES.values() for name in names}
    plain = [normalised_header(header) for header in headers]
    repeated = [header for header, name in zip(headers, plain, strict=True) if name in known and plain.count(name) > 1]
    if repeated:
        raise TableError(
            _("%(file)s has two columns named %(header)s: nobody can tell which one is meant. Rename or delete one.")
            % {"file": path.name, "header": repeated[0]}
        )


def _refuse_too_many(path: Path, rows: int, columns: int = 0) -> None:
    if rows > MOST_ROWS or columns > MOST_COLUMNS:
        raise TableError(
            _("%(file)s has more than %(rows)s rows or %(columns)s columns. Cut it into several files.")
            % {"file": path.name, "rows": MOST_ROWS, "columns": MOST_COLUMNS}
        )


def _require_columns(read: ReleveTable) -> None:
    """One sentence for all that is missing: whoever sends another kind of table reads at once that it is one."""
    table = read.table
    missing = []
    if not any(name in table for name in HABITAT_FIELDS):
        missing.append(_("the habitat (habitat, code_habitat, eunis_2022_code…)"))
    pairs = (("longitude", "latitude"), ("x", "y"))
    if read.shapes is None and "geometry" not in table and not any(a in table and b in table for a, b in pairs):
        missing.append(_("the place (longitude and latitude, x and y, or geometry)"))
    if missing:
        raise TableError(
            _(
                "%(file)s is no table of relevés: it lacks a column for %(missing)s. Give one row to each relevé, with "
                "its place, its date, its observers and its habitat; a table of sites by species does not say these."
            )
            % {"file": read.path.name, "missing": _(" and for ").join(missing)}
        )


def _is_filled(read: ReleveTable, place: int) -> bool:
    return any(values[place] for values in read.table.columns.values())


def _chosen(read: ReleveTable, places: Sequence[int]) -> ReleveTable:
    columns = {name: [values[place] for place in places] for name, values in read.table.columns.items()}
    shapes = None if read.shapes is None else read.shapes[list(places)]
    table = Table(read.path, columns, read.table.headers)
    return ReleveTable(table, [read.numbers[place] for place in places], shapes, read.crs, read.notices)


def _damaged(path: Path) -> TableError:
    return TableError(_("%(file)s is damaged, or not what its beginning says. Save it again.") % {"file": path.name})
