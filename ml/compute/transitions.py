"""How likely one habitat becomes another within a year: given by people, or learned from the maps."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.compute.errors import TransitionError

ANY_CLASS = "*"
COLUMNS = ("from_class", "to_class", "weight")
FIRST_PERSISTENCE = 0.95
LEAST_PERSISTENCE, GREATEST_PERSISTENCE = 0.5, 0.99
# Cells of belief in the first persistence: a class of few cells does not learn from noise.
BELIEVED_CELLS = 50.0
ROUNDS = 12
SETTLED = 1e-4
# What a pair that the table calls impossible still gets, so that a history always exists.
NEARLY_IMPOSSIBLE = 1e-9

CountTransitions = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def read_weights(path: Path) -> pd.DataFrame:
    """Read what people know of the changes possible within one year.

    Args:
        path: CSV with COLUMNS: codes, or `*` for any class, and a weight from 0 (impossible within a year); pairs
            that are not named weigh 1. A later row wins over an earlier one.

    Returns:
        The rows.

    Raises:
        TransitionError: the file, a column or a weight is missing.
    """
    if not path.is_file():
        raise TransitionError(f"{path}: the file is missing; add it or correct the path.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise TransitionError(f"{path}: not readable as a UTF-8 table; export it again as CSV.") from error
    for column in COLUMNS:
        if column not in table:
            raise TransitionError(f"{path}: no column '{column}' (it has: {', '.join(table.columns)}); add it.")
    weights = pd.to_numeric(table["weight"], errors="coerce")
    wrong = ~((weights >= 0) & np.isfinite(weights))
    if wrong.any():
        row = int(wrong.argmax())
        raise TransitionError(
            f"{path}: row {row + 1}, 'weight': '{table['weight'][row]}' is not a number from 0; correct it."
        )
    return table[list(COLUMNS)].assign(weight=weights)


def weight_matrix(codes: Sequence[str], table: pd.DataFrame | None) -> NDArray[np.float64]:
    """Lay the weights out by class.

    Args:
        codes: of the classes, numbered from 1.
        table: as `read_weights` gives it; None where every change is as likely as another.

    Returns:
        (classes + 1, classes + 1) weights, 0 on the diagonal and in the first row and column.
    """
    weights = np.ones((len(codes) + 1, len(codes) + 1))
    numbers = {code: [number] for number, code in enumerate(codes, 1)}
    numbers[ANY_CLASS] = list(range(1, len(codes) + 1))
    for before, after, weight in [] if table is None else table[list(COLUMNS)].to_numpy():
        # The table serves every map of a region: a habitat that these ones do not show is passed over.
        pairs = np.ix_(numbers.get(before, []), numbers.get(after, []))
        weights[pairs] = max(float(weight), NEARLY_IMPOSSIBLE)
    weights[0, :] = weights[:, 0] = 0.0
    np.fill_diagonal(weights, 0.0)
    return weights


def transition_matrix(persistence: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share among the other classes what each class does not keep.

    Args:
        persistence: (classes + 1,) chance that a class stays as it is for a year.
        weights: (classes + 1, classes + 1) of the changes.

    Returns:
        (classes + 1, classes + 1) chances; each row but the first adds up to 1.
    """
    totals = weights.sum(axis=1, keepdims=True)
    moved = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
    chances = moved * (1 - persistence)[:, None]
    np.fill_diagonal(chances, np.where(totals[:, 0] > 0, persistence, 1.0))
    chances[0, 0] = 0.0
    return chances


def learn_transitions(count: CountTransitions, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Learn what stays and what becomes what from the maps themselves, by expectation and maximisation.

    Counting where two maps differ would count their errors; here a cell that is unsure says little. The pairs
    that people gave a weight keep their proportion to what the maps say.

    Args:
        count: expected cells by pair under a matrix, as `expected_transitions` counts them.
        weights: (classes + 1, classes + 1) what people know of the changes.

    Returns:
        (classes + 1, classes + 1) chances.
    """
    persistence = np.full(len(weights), FIRST_PERSISTENCE)
    chances = transition_matrix(persistence, weights)
    for _round in range(ROUNDS):
        counts = count(chances)
        stayed, seen = np.diag(counts), counts.sum(axis=1)
        learned = (stayed + BELIEVED_CELLS * FIRST_PERSISTENCE) / (seen + BELIEVED_CELLS)
        learned = np.clip(learned, LEAST_PERSISTENCE, GREATEST_PERSISTENCE)
        chances = transition_matrix(learned, _learned_weights(counts, weights))
        if np.abs(learned - persistence).max() < SETTLED:
            break
        persistence = learned
    return chances


def _learned_weights(counts: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights by pair: those given, times the share of the pair among the expected changes of its class."""
    moved = counts * (weights > NEARLY_IMPOSSIBLE)
    np.fill_diagonal(moved, 0.0)
    pairs = max(len(weights) - 2, 1)
    believed = BELIEVED_CELLS / pairs
    shares = (moved + believed) / (moved.sum(axis=1, keepdims=True) + BELIEVED_CELLS)
    return weights * shares
