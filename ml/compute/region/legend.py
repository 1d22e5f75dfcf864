"""The legend of a region folder: one row per class, in the order people read it."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.compute.errors import LegendError

COLUMNS = ("code", "label_fr", "label_en", "color", "parent_code", "stake")
STAKES = ("", "faible", "moyen", "fort", "très fort")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_HEADER_LINES = 1


@dataclass(frozen=True)
class LegendRow:
    """One class of the legend; `position` counts from 0 in the order of the file."""

    code: str
    label_fr: str
    label_en: str
    color: str
    parent_code: str
    stake: str
    position: int

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0-255."""
        red, green, blue = (int(self.color[start : start + 2], 16) for start in (1, 3, 5))
        return red, green, blue


def read_legend(path: Path) -> tuple[LegendRow, ...]:
    """Read and check a legend (UTF-8 CSV, comma or semicolon).

    Args:
        path: a file with the columns code, label_fr, label_en, color, parent_code, stake.

    Returns:
        The rows in the order of the file.

    Raises:
        LegendError: the file, a line or a field is wrong.
    """
    rows = tuple(
        _row_from_fields(fields, position=position, path=path) for position, fields in enumerate(_read_fields(path))
    )
    if not rows:
        raise LegendError(f"{path}: the legend has no row; write one line per class under the header.")
    _check_codes(rows, path)
    return rows


def _read_fields(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise LegendError(f"{path}: the legend is missing; write a CSV with {', '.join(COLUMNS)}.") from error
    except UnicodeDecodeError as error:
        raise LegendError(f"{path}: not UTF-8 (byte {error.start}); save the legend as UTF-8.") from error
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter, restval="")
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise LegendError(f"{path}: line 1 lacks the columns {', '.join(missing)}; add them to the header.")
    return [{column: (fields[column] or "").strip() for column in COLUMNS} for fields in reader]


def _row_from_fields(fields: dict[str, str], *, position: int, path: Path) -> LegendRow:
    where = f"{path}: line {position + 1 + _HEADER_LINES}"
    if not fields["code"]:
        raise LegendError(f"{where} has an empty code; give the class a code.")
    if not fields["label_fr"]:
        raise LegendError(f"{where} ({fields['code']}) has an empty label_fr; name the class.")
    if not _COLOR.fullmatch(fields["color"]):
        raise LegendError(f"{where} ({fields['code']}): color '{fields['color']}' is not written as #rrggbb.")
    if fields["stake"] not in STAKES:
        raise LegendError(
            f"{where} ({fields['code']}): stake '{fields['stake']}' is unknown; "
            f"use {', '.join(STAKES[1:])} or leave it empty."
        )
    fields = {
        **fields,
        "label_en": fields["label_en"] or fields["label_fr"],
        "color": fields["color"].lower(),
    }
    return LegendRow(**fields, position=position)


def _check_codes(rows: Sequence[LegendRow], path: Path) -> None:
    line_of: dict[str, int] = {}
    for row in rows:
        line = row.position + 1 + _HEADER_LINES
        if row.code in line_of:
            raise LegendError(
                f"{path}: line {line} repeats the code '{row.code}' of line {line_of[row.code]}; keep one."
            )
        line_of[row.code] = line
    parents = {row.code: row.parent_code for row in rows}
    for row in rows:
        where = f"{path}: line {line_of[row.code]} ({row.code})"
        if row.parent_code and row.parent_code not in parents:
            raise LegendError(
                f"{where}: parent_code '{row.parent_code}' is not in this legend; add it or empty the field."
            )
        if _is_own_ancestor(row.code, parents):
            raise LegendError(f"{where}: the class is its own ancestor; correct parent_code.")


def _is_own_ancestor(code: str, parents: dict[str, str]) -> bool:
    seen: set[str] = set()
    current = parents[code]
    while current and current not in seen:
        if current == code:
            return True
        seen.add(current)
        current = parents.get(current, "")
    return False
