"""CSV for spreadsheets, as the page's language expects: `;` and a decimal comma in French, `,` and a point else."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import get_language

# A cell that begins so would be run as a formula by a spreadsheet.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\ufeff"


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def safe_cell(value: Any, *, decimal_mark: str = ".") -> Any:
    """A value that no spreadsheet takes for a formula; fractions with the decimal mark."""
    if isinstance(value, float):
        return str(value).replace(".", decimal_mark)
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def csv_response(name: str, header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """A download that begins at once, whatever the number of rows."""
    delimiter, decimal_mark = (";", ",") if get_language() == "fr" else (",", ".")

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo(), delimiter=delimiter)
        yield _BYTE_ORDER_MARK + writer.writerow([str(cell) for cell in header])
        for row in rows:
            yield writer.writerow([safe_cell(cell, decimal_mark=decimal_mark) for cell in row])

    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
