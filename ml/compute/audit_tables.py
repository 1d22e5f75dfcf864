"""Audit samples as people write them: a table of points, or a confusion matrix, and the areas of the strata."""

from pathlib import Path

import numpy as np
import pandas as pd

from ml.compute.errors import AuditError

POINT_COLUMNS = ("stratum", "map", "reference")
AREA_TABLE = ("class", "area")
AREA_COLUMN = "stratum_area"
WEIGHT_COLUMN = "weight"
# Weights are often rounded when they are written.
WEIGHT_TOLERANCE = 0.01


def read_points(path: Path) -> pd.DataFrame:
    """Read a table of audit points.

    Returns:
        `stratum`, `map`, `reference` (text) and every other column as text.

    Raises:
        AuditError: the file, a column or a value is missing.
    """
    table = _read_text(path)
    for column in POINT_COLUMNS:
        if column not in table:
            raise AuditError(f"{path}: no column '{column}' (it has: {', '.join(table.columns)}); add or rename it.")
        blank = table[column].str.strip() == ""
        if blank.any():
            raise AuditError(f"{path}: row {blank.argmax() + 1} has no '{column}'; fill it in or delete the row.")
        table[column] = table[column].str.strip()
    if table.empty:
        raise AuditError(f"{path}: the table has no point; add some.")
    return table


def areas_from_points(points: pd.DataFrame, path: Path) -> dict[str, float]:
    """Area of each stratum, from the columns of the points themselves.

    `stratum_area` is the area of the whole stratum, repeated on each of its points. `weight` is the area (or
    the number of cells) that one point stands for, or, where the weights of the strata taken once each add up
    to 1, the stratum's share of the map.

    Raises:
        AuditError: neither column is there, or a value is not a positive number or differs within a stratum.
    """
    column = next((name for name in (AREA_COLUMN, WEIGHT_COLUMN) if name in points), None)
    if column is None:
        raise AuditError(
            f"{path}: no column '{AREA_COLUMN}' nor '{WEIGHT_COLUMN}'; add one, or give the areas with --areas."
        )
    values = pd.Series(_positive(points, column, path), index=points.index)
    groups = values.groupby(points["stratum"])
    for stratum, spread in ((groups.max() - groups.min()) / groups.mean()).items():
        if spread > WEIGHT_TOLERANCE:
            raise AuditError(
                f"{path}: '{column}' differs between the points of stratum '{stratum}'; "
                "give each point of a stratum the same one."
            )
    means = groups.mean()
    are_whole = column == AREA_COLUMN or abs(means.sum() - 1) <= WEIGHT_TOLERANCE
    totals = means if are_whole else groups.sum()
    return {str(stratum): float(total) for stratum, total in totals.items()}


def read_areas(path: Path) -> dict[str, float]:
    """Read a table of areas: the stratum or class in the first column, its area in the second.

    Raises:
        AuditError: the file or a value is wrong.
    """
    table = _read_text(path)
    if table.shape[1] != len(AREA_TABLE):
        raise AuditError(f"{path}: {table.shape[1]} column(s) instead of {' and '.join(AREA_TABLE)}; keep these.")
    name_column, area_column = table.columns
    names = table[name_column].str.strip()
    if names.duplicated().any():
        row = int(names.duplicated().argmax()) + 1
        raise AuditError(f"{path}: row {row} names '{names[row - 1]}' again; keep one row per class.")
    return dict(zip(names, _positive(table, area_column, path), strict=True))


def read_confusion(path: Path) -> pd.DataFrame:
    """Read a confusion matrix of points: a row per map class, a column per reference class.

    Returns:
        `stratum`, `map`, `reference`, `points`, the strata being the map classes.

    Raises:
        AuditError: the file or a value is wrong.
    """
    table = _read_text(path)
    codes = table.iloc[:, 0].str.strip()
    rows = []
    for column in table.columns[1:]:
        counts = pd.to_numeric(table[column], errors="coerce")
        wrong = ~(counts >= 0) | (counts % 1 != 0)
        if wrong.any():
            row = int(wrong.argmax())
            raise AuditError(
                f"{path}: row {row + 1}, column '{column}': '{table[column][row]}' is not a number of points; "
                "correct it."
            )
        rows.append(
            pd.DataFrame({"stratum": codes, "map": codes, "reference": column.strip(), "points": counts.astype(int)})
        )
    if not rows:
        raise AuditError(f"{path}: the matrix has no column of counts; add one per reference class.")
    return pd.concat(rows, ignore_index=True)


def _read_text(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise AuditError(f"{path}: the file is missing; add it or correct the path.")
    try:
        with path.open(encoding="utf-8-sig") as stream:
            header = stream.readline()
        separator = max(",;\t", key=header.count)  # French spreadsheets write semicolons
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise AuditError(f"{path}: not readable as a UTF-8 table; export it again as CSV.") from error


def _positive(table: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
    wrong = ~((values > 0) & np.isfinite(values))
    if wrong.any():
        row = int(wrong.argmax())
        text = table[column].iloc[row]
        raise AuditError(f"{path}: row {row + 1}, '{column}': '{text}' is not a number above 0; correct it.")
    return values
