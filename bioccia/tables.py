"""What every imported table shares: CSV or TSV, gzipped or not, columns known by several names, wrong rows named."""

import csv
import gzip
import io
import itertools
import unicodedata
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import Field, Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from bioccia.errors import BiocciaError

MAX_BYTES = 500_000_000  # once unpacked: a gzip of a few kilobytes can hold more than the memory
LISTED_PROBLEMS = 20
DELIMITERS = (",", ";", "\t", "|")
GZIP_START = b"\x1f\x8b"
ZIP_START = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one field of one row (the header is row 1), and the way out."""

    row: int
    field: str
    message: Any

    def __str__(self) -> str:
        return _("row %(row)s, %(field)s: %(message)s") % {
            "row": self.row,
            "field": self.field,
            "message": self.message,
        }


class TableError(BiocciaError):
    """A file that cannot be imported; nothing of it was."""

    code, status, title = "unreadable_file", 422, gettext_lazy("The file cannot be imported")


@dataclass(frozen=True, slots=True)
class Table:
    """The recognised columns of a file.

    Attributes:
        path: the file, for messages.
        columns: texts by our name of the field, one per row, without outer blanks.
        headers: the header of each field as the file writes it, for messages.
    """

    path: Path
    columns: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]

    def __contains__(self, field: object) -> bool:
        return field in self.columns

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """The number of each row that is not empty, as a spreadsheet shows it, and its texts by field."""
        names = list(self.columns)
        for number, values in enumerate(zip(*self.columns.values(), strict=True), start=2):
            if any(values):
                yield number, dict(zip(names, values, strict=True))

    def header_of(self, field: str) -> str:
        """How the file names a field; our own name where it has none."""
        return self.headers.get(field, field)


def refuse_problems(path: Path, problems: Sequence[Problem]) -> None:
    """Raise TableError if there are problems: how many, the first ones, and that nothing was imported."""
    if not problems:
        return
    listed = "\n".join(f"  {problem}" for problem in problems[:LISTED_PROBLEMS])
    if len(problems) > LISTED_PROBLEMS:
        listed += "\n  " + _("and %(count)s more") % {"count": len(problems) - LISTED_PROBLEMS}
    raise TableError(
        ngettext(
            "%(file)s: %(count)s wrong value, nothing was imported. Correct this row and import again:\n%(listed)s",
            "%(file)s: %(count)s wrong values, nothing was imported. Correct these rows and import again:\n%(listed)s",
            len(problems),
        )
        % {"file": path.name, "count": len(problems), "listed": listed},
        fields={f"{problem.row}.{problem.field}": problem.message for problem in problems[:LISTED_PROBLEMS]},
    )


def read_table(
    path: Path, aliases: Mapping[str, Sequence[str]], *, required: Sequence[str] = (), encoding: str = "utf-8"
) -> Table:
    """Read the recognised columns of a CSV or TSV file.

    Args:
        path: the file; `.gz` or not, separated by comma, semicolon, tab or bar.
        aliases: for each of our fields, the headers that mean it, the best first; case and accents do not matter.
        required: fields that must be there.
        encoding: of the text.

    Raises:
        TableError: the file is missing, not a table, too large, in another encoding, or without a required column.
    """
    with _open_bytes(path) as stream:
        text = io.TextIOWrapper(stream, encoding=_known_encoding(encoding), newline="")
        try:
            return _read_rows(path, text, aliases, required)
        except UnicodeDecodeError as error:
            raise TableError(
                _(
                    "%(file)s is not written in %(encoding)s (byte 0x%(byte)02X). "
                    "Save it in UTF-8, or name its encoding with --encoding, e.g. cp1252."
                )
                % {"file": path.name, "encoding": encoding, "byte": error.object[error.start]}
            ) from error
        except (csv.Error, gzip.BadGzipFile, EOFError) as error:
            raise TableError(
                _("%(file)s cannot be read as a table: %(error)s. Save it again as CSV.")
                % {"file": path.name, "error": error}
            ) from error


def match_headers(headers: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The position of the column of each recognised field; the first alias that the file has wins."""
    positions: dict[str, int] = {}
    for position, header in enumerate(headers):
        positions.setdefault(normalised_header(header), position)
    matched = {}
    for field, names in aliases.items():
        found = next((positions[name] for name in map(normalised_header, names) if name in positions), None)
        if found is not None:
            matched[field] = found
    return matched


def normalised_header(header: str) -> str:
    """A header without case, accents, punctuation nor vocabulary: `dwc:eventDate` is `event_date`."""
    local = header.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    plain = unicodedata.normalize("NFKD", local)
    return "".join(letter for letter in plain.lower() if letter.isalnum())


def require_fields(
    path: Path, headers: Sequence[str], found: Container[str], wanted: Mapping[str, Sequence[str]]
) -> None:
    """Raise TableError where a wanted field has no column, with the headers that would serve."""
    for field, names in wanted.items():
        if field not in found:
            raise TableError(
                _(
                    "%(file)s has no column for %(field)s. Name one of its columns %(aliases)s; "
                    "the columns found are: %(headers)s."
                )
                % {
                    "file": path.name,
                    "field": field,
                    "aliases": _(" or ").join(names[:4]),
                    "headers": ", ".join(headers[:30]),
                }
            )


def described_columns(aliases: Mapping[str, Sequence[str]]) -> str:
    """For the --help of a command: each field, and the headers that mean it."""
    width = max(map(len, aliases))
    return "\n".join(f"  {field:{width}}  {', '.join(names)}" for field, names in aliases.items())


def longest_text(model: type[Model], field: str) -> int:
    """How many characters a column of a model holds."""
    column = model._meta.get_field(field)
    return (isinstance(column, Field) and column.max_length) or 0


def _read_rows(
    path: Path, text: io.TextIOWrapper, aliases: Mapping[str, Sequence[str]], required: Sequence[str]
) -> Table:
    first = text.readline().lstrip("\ufeff")
    if not first.strip():
        raise TableError(_("%(file)s is empty. Its first line must name the columns.") % {"file": path.name})
    delimiter = max(DELIMITERS, key=first.count)
    # GBIF writes tabs without quoting: a lone quote in a locality would swallow the rows that follow.
    lines = itertools.chain([first], text)
    if delimiter == "\t" and '"' not in first:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter)
    headers = [header.strip() for header in next(reader)]
    positions = match_headers(headers, aliases)
    require_fields(path, headers, positions, {field: aliases[field] for field in required})
    columns: dict[str, list[str]] = {field: [] for field in positions}
    for number, row in enumerate(reader, start=2):
        _check_row(path, number, row, headers)
        for field, position in positions.items():
            columns[field].append(row[position].strip() if position < len(row) else "")
    return Table(path, columns, {field: headers[position] for field, position in positions.items()})


def _check_row(path: Path, number: int, row: list[str], headers: list[str]) -> None:
    if len(row) > len(headers) and any(cell.strip() for cell in row[len(headers) :]):
        raise TableError(
            _(
                "%(file)s, row %(row)s: %(found)s values under %(expected)s headers. "
                "Put quotes around a text that holds the separator."
            )
            % {"file": path.name, "row": number, "found": len(row), "expected": len(headers)}
        )
    if any("\x00" in cell for cell in row):
        raise TableError(
            _("%(file)s, row %(row)s holds a zero byte: it is not a text file. Save it as CSV in UTF-8.")
            % {"file": path.name, "row": number}
        )


def _known_encoding(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise TableError(
            _("%(encoding)s is no encoding known here. Write e.g. utf-8, cp1252 or latin-1.") % {"encoding": encoding}
        ) from error
    return encoding


def _open_bytes(path: Path) -> io.BufferedReader:
    if not path.is_file():
        raise TableError(_("%(file)s is not a file that exists. Check its path.") % {"file": path})
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == ZIP_START:
        raise TableError(
            _("%(file)s is a zip or a spreadsheet, a table is expected. Unpack it, or save the sheet as CSV in UTF-8.")
            % {"file": path.name}
        )
    packed = start[:2] == GZIP_START
    return io.BufferedReader(_BoundedReader(gzip.GzipFile(path) if packed else path.open("rb"), path))


class _BoundedReader(io.RawIOBase):
    """Reads a file, and stops at MAX_BYTES unpacked."""

    def __init__(self, stream: io.BufferedReader | gzip.GzipFile, path: Path) -> None:
        self.stream, self.path, self.left = stream, path, MAX_BYTES

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into a buffer, and count them."""
        count = self.stream.readinto(buffer)
        self.left -= count
        if self.left < 0:
            raise TableError(
                _("%(file)s holds more than %(limit)s MB once unpacked. Cut it into several files.")
                % {"file": self.path.name, "limit": MAX_BYTES // 1_000_000}
            )
        return count

    def close(self) -> None:
        """Close the file underneath too."""
        self.stream.close()
        super().close()
