"""Darwin Core archives: unpacked with bounds, read through their meta.xml."""

import codecs
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from django.utils.translation import gettext as _
from dwca.descriptors import ArchiveDescriptor
from dwca.exceptions import InvalidArchive
from dwca.files import CSVDataFile
from dwca.read import DwCAReader

from bioccia.tables import ZIP_START, Table, TableError, match_headers

MAX_UNPACKED_BYTES = 1_000_000_000
MAX_ENTRIES = 1000
COPY_BYTES = 1 << 20
META = "meta.xml"
OCCURRENCE = "http://rs.tdwg.org/dwc/terms/Occurrence"
TAXON = "http://rs.tdwg.org/dwc/terms/Taxon"
VERNACULAR = "http://rs.gbif.org/terms/1.0/VernacularName"
MAX_META_BYTES = 1_000_000
# What the reader lets through when a meta.xml lacks an element, an attribute or an encoding that exists.
UNFOLLOWABLE = (
    InvalidArchive,
    ElementTree.ParseError,
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
)
UNREADABLE = "\ufffd"  # what the reader puts in place of a byte that is not of the declared encoding


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) == ZIP_START


@contextmanager
def opened_archive(path: Path) -> Iterator[DwCAReader]:
    """Unpack an archive in a folder of its own, removed at the end.

    Raises:
        TableError: it is no sound archive: damaged, too large, with paths outside of it, without meta.xml.
    """
    with tempfile.TemporaryDirectory(prefix="bioccia-") as folder:
        root = _unpack(path, Path(folder))
        try:
            _check_locations(path, root)
            _check_descriptor(root)
            reader = DwCAReader(str(root), skip_metadata=True)
        except UNFOLLOWABLE as error:
            raise TableError(
                _("%(file)s: its meta.xml cannot be followed (%(error)s). Export the archive again.")
                % {"file": path.name, "error": error}
            ) from error
        with reader:
            yield reader


def data_files(reader: DwCAReader, row_type: str) -> list[CSVDataFile]:
    """The files of an archive, core or extensions, that hold one kind of row."""
    return [file for file in [reader.core_file, *reader.extension_files] if file.file_descriptor.type == row_type]


def read_data_file(path: Path, file: CSVDataFile, aliases: Mapping[str, Sequence[str]]) -> tuple[Table, list[str]]:
    """The recognised columns of one file of an archive, and the core identifier of each row."""
    terms = [str(field["term"]) for field in file.file_descriptor.fields]
    positions = match_headers(terms, aliases)
    columns: dict[str, list[str]] = {field: [] for field in positions}
    identifiers: list[str] = []
    rows = file.iter_rows()
    number = 1
    try:
        for number, row in enumerate(rows, start=2):
            identifiers.append((getattr(row, "id", None) or getattr(row, "core_id", None) or "").strip())
            for field, position in positions.items():
                columns[field].append((row.data.get(terms[position]) or "").strip())
            _check_text(path, file, number, row.raw_fields)
    except (InvalidArchive, IndexError) as error:
        raise TableError(
            _("%(file)s: row %(row)s of %(part)s has fewer values than its meta.xml says. Export the archive again.")
            % {"file": path.name, "row": number + 1, "part": file.file_descriptor.file_location}
        ) from error
    return Table(path, columns, {field: terms[place].rsplit("/", 1)[-1] for field, place in positions.items()}), (
        identifiers
    )


def _check_text(path: Path, file: CSVDataFile, number: int, texts: Sequence[str]) -> None:
    if any(UNREADABLE in text or "\x00" in text for text in texts):
        raise TableError(
            _("%(file)s: row %(row)s of %(part)s is not written in %(encoding)s, as meta.xml says. Correct it.")
            % {
                "file": path.name,
                "row": number,
                "part": file.file_descriptor.file_location,
                "encoding": file.file_descriptor.file_encoding,
            }
        )


def _unpack(path: Path, folder: Path) -> Path:
    """Write the files of a zip under a folder; returns the folder that holds meta.xml."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_system(entry.filename)]
            meta = _find_meta(path, entries)
            for entry in entries:
                _check_entry(path, entry)
            _write(path, archive, entries, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise TableError(
            _("%(file)s is a damaged or protected zip (%(error)s). Pack it again, without a password.")
            % {"file": path.name, "error": error}
        ) from error
    return folder / meta.parent


def _is_system(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith("._")


def _find_meta(path: Path, entries: Sequence[zipfile.ZipInfo]) -> PurePosixPath:
    metas = [PurePosixPath(entry.filename) for entry in entries if PurePosixPath(entry.filename).name == META]
    if not metas:
        raise TableError(
            _(
                "%(file)s is a zip without meta.xml, so not a Darwin Core archive. "
                "Unpack it and import its CSV, or export the archive again."
            )
            % {"file": path.name}
        )
    return min(metas, key=lambda meta: len(meta.parts))


def _check_entry(path: Path, entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    if is_link or name.is_absolute() or ".." in name.parts or ":" in entry.filename:
        raise TableError(
            _("%(file)s holds %(entry)s, which leads outside of the archive. Ask its author for another one.")
            % {"file": path.name, "entry": entry.filename[:100]}
        )


def _check_locations(path: Path, root: Path) -> None:
    """The files that meta.xml names must be in the archive: a name may not lead out of it."""
    text = (root / META).read_bytes()
    if len(text) > MAX_META_BYTES or b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\x00" in text:
        raise TableError(
            _("%(file)s: meta.xml is too large, or declares entities. Export the archive again.") % {"file": path.name}
        )
    for element in ElementTree.fromstring(text).iter():  # noqa: S314 - without entities, checked above
        if not element.tag.endswith("location"):
            continue
        name = (element.text or "").strip()
        file = (root / name).resolve()
        if not file.is_relative_to(root.resolve()) or not file.is_file():
            raise TableError(
                _("%(file)s: meta.xml names %(part)s, which is not in the archive. Export the archive again.")
                % {"file": path.name, "part": name[:100]}
            )


def _check_descriptor(root: Path) -> None:
    """Raise here what DwCAReader would raise with its files left open."""
    descriptor = ArchiveDescriptor((root / META).read_text(encoding="utf-8"))
    for part in [descriptor.core, *descriptor.extensions]:
        codecs.lookup(part.file_encoding)


def _write(path: Path, archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], folder: Path) -> None:
    """Copy by pieces, counting what comes out: the sizes that a zip declares may lie."""
    left = MAX_UNPACKED_BYTES if len(entries) <= MAX_ENTRIES else -1
    for entry in entries:
        target = folder / entry.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open("wb") as output:
            while left >= 0 and (piece := source.read(COPY_BYTES)):
                left -= len(piece)
                output.write(piece)
        if left < 0:
            raise TableError(
                _("%(file)s unpacks to more than %(limit)s MB or %(entries)s files. Cut it into several archives.")
                % {"file": path.name, "limit": MAX_UNPACKED_BYTES // 1_000_000, "entries": MAX_ENTRIES}
            )
