"""What the model knew of each patch: its confidence, and the classes that came next."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.compute.minimum_unit import UnitPatches, cells_by_label

FULL_SHARE = 100
VALUE_COUNT = 65536


class PatchVotes(NamedTuple):
    """The two classes that a patch might have been, 0 where there is none.

    Attributes:
        first: (n,) class value of the first runner-up.
        first_share: (n,) its share 0-100, mean over the cells of the patch.
        second: (n,) class value of the second runner-up.
        second_share: (n,) its share 0-100.
    """

    first: NDArray[np.uint16]
    first_share: NDArray[np.int64]
    second: NDArray[np.uint16]
    second_share: NDArray[np.int64]


def mean_confidence(patches: UnitPatches, confidence: NDArray[np.uint16] | None) -> NDArray[np.float64]:
    """Return the mean confidence of each patch over the cells where it is known.

    Args:
        patches: n patches.
        confidence: (rows, columns) 0-100, more where unknown; None where no cell is known.

    Returns:
        (n,) rounded to a tenth, NaN where unknown.
    """
    count = patches.sizes.size
    if confidence is None:
        return np.full(count - 1, np.nan)
    known = confidence <= FULL_SHARE
    labels = patches.labels[known]
    cells = np.bincount(labels, minlength=count)[1:]
    totals = np.bincount(labels, weights=confidence[known], minlength=count)[1:]
    return np.where(cells > 0, np.round(totals / np.maximum(cells, 1), 1), np.nan)


def vote_runner_ups(
    patches: UnitPatches,
    classes: NDArray[np.uint16],
    confidence: NDArray[np.uint16] | None,
    runner_ups: NDArray[np.uint16] | None,
) -> PatchVotes:
    """Sum over the cells of each patch what the model gave to the other classes.

    A cell votes for its two runner-ups with their shares and, where the minimum unit took it from its class,
    for that class with its confidence. Votes for the patch's own class do not count.

    Args:
        patches: n patches.
        classes: (rows, columns) class values before the minimum unit.
        confidence: (rows, columns) 0-100, more where unknown.
        runner_ups: (4, rows, columns) first runner-up, its share 0-100, second, its share.

    Returns:
        The two best supported classes of each patch; of equal ones the smaller value.
    """
    ballots = [] if confidence is None else [(classes, confidence)]
    if runner_ups is not None:
        ballots += [(runner_ups[0], runner_ups[1]), (runner_ups[2], runner_ups[3])]
    count = patches.sizes.size - 1
    if not ballots or count == 0:
        none, nothing = np.zeros(count, np.uint16), np.zeros(count, np.int64)
        return PatchVotes(none, nothing, none, nothing)
    candidates = np.stack([candidate.ravel() for candidate, _ in ballots])
    shares = np.stack([np.where(share <= FULL_SHARE, share, 0).ravel() for _, share in ballots])
    starts, cells = cells_by_label(patches.labels, patches.sizes, patches.labels.size + 1)
    best, best_shares = _count_votes(candidates, shares, starts, cells, patches.values)
    return PatchVotes(best[0], best_shares[0], best[1], best_shares[1])


@njit(cache=True, nogil=True)
def _count_votes(
    candidates: NDArray[np.uint16],
    shares: NDArray[np.uint16],
    starts: NDArray[np.int64],
    cells: NDArray[np.int64],
    own: NDArray[np.uint16],
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Return (2, n) class values and (2, n) shares of the two classes with most votes in each patch."""
    count = own.size - 1
    best = np.zeros((2, count), np.uint16)
    best_shares = np.zeros((2, count), np.int64)
    totals = np.zeros(VALUE_COUNT, np.int64)
    for patch in range(count):
        members = cells[starts[patch + 1] : starts[patch + 2]]
        for ballot in range(candidates.shape[0]):
            for cell in members:
                totals[candidates[ballot, cell]] += shares[ballot, cell]
        totals[0] = 0
        totals[own[patch + 1]] = 0
        for rank in range(2):
            winner = _most_voted(candidates, members, totals)
            share = round(totals[winner] / members.size)
            if share > 0:
                best[rank, patch] = winner
                best_shares[rank, patch] = share
            totals[winner] = 0
        for ballot in range(candidates.shape[0]):
            for cell in members:
                totals[candidates[ballot, cell]] = 0
    return best, best_shares


@njit(cache=True, nogil=True)
def _most_voted(candidates: NDArray[np.uint16], members: NDArray[np.int64], totals: NDArray[np.int64]) -> int:
    winner = 0
    for ballot in range(candidates.shape[0]):
        for cell in members:
            value = candidates[ballot, cell]
            if totals[value] > totals[winner] or (totals[value] == totals[winner] > 0 and value < winner):
                winner = value
    return winner
