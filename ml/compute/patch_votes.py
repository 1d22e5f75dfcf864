"""What the model knew of each patch: its confidence, and the classes that came next, counted strip by strip."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.compute.patch_labels import NO_LABEL, MapPatches, cells_by_label

FULL_SHARE = 100
VALUE_COUNT = 65536
VALUE_BITS = 16


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


class Ballots(NamedTuple):
    """What the cells of a strip say.

    Attributes:
        candidates: (ballots, cells) class values.
        shares: (ballots, cells) uint16, 0-100; more where unknown.
    """

    candidates: NDArray[np.uint16]
    shares: NDArray[np.uint16]


class PatchTally:
    """Sums over the cells of each patch what the model gave to its class and to the others.

    A cell votes for its two runner-ups with their shares and, where the minimum unit took it from its class,
    for that class with its confidence. Votes for the patch's own class do not count. Patches that a strip ends
    are counted up at once: only those that go on are kept in mind.
    """

    def __init__(self, patches: MapPatches) -> None:
        count = patches.sizes.size
        self._patches = patches
        self._known = np.zeros(count, np.int64)
        self._totals = np.zeros(count, np.int64)
        self._best = np.zeros((2, count), np.uint16)
        self._shares = np.zeros((2, count), np.int64)
        self._scratch = np.zeros(count, np.int32)
        self._votes = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(
        self,
        labels: NDArray[np.int32],
        classes: NDArray[np.uint16],
        confidence: NDArray[np.uint16] | None,
        runner_ups: NDArray[np.uint16] | None,
    ) -> None:
        """Count a strip.

        Args:
            labels: (rows, columns) patch of each cell.
            classes: (rows, columns) class values before the minimum unit.
            confidence: (rows, columns) 0-100, more where unknown.
            runner_ups: (4, rows, columns) first runner-up, its share 0-100, second, its share.
        """
        ballots = []
        if confidence is not None:
            _add_confidence(labels, confidence, self._known, self._totals)
            ballots.append((classes, confidence))
        if runner_ups is not None:
            ballots += [(runner_ups[0], runner_ups[1]), (runner_ups[2], runner_ups[3])]
        if ballots:
            candidates, shares = (np.stack([part.ravel() for part in parts]) for parts in zip(*ballots, strict=True))
            self._add_votes(labels, Ballots(candidates, shares))

    def mean_confidence(self) -> NDArray[np.float64]:
        """(n,) mean over the cells where it is known, rounded to a tenth; NaN where it is known of none."""
        known, totals = self._known[1:], self._totals[1:]
        return np.where(known > 0, np.round(totals / np.maximum(known, 1), 1), np.nan)

    def runner_ups(self) -> PatchVotes:
        """The two best supported classes of each patch; of equal ones the smaller value."""
        self._count_up(*self._votes)
        self._votes = np.zeros(0, np.int64), np.zeros(0, np.int64)
        best, shares = self._best[:, 1:], self._shares[:, 1:]
        return PatchVotes(best[0], shares[0], best[1], shares[1])

    def _add_votes(self, labels: NDArray[np.int32], ballots: Ballots) -> None:
        dense, originals, sizes = _dense_labels(labels, self._scratch)
        starts, cells = cells_by_label(dense, sizes)
        keys, sums = _tally_strip(ballots, starts, cells, originals, self._patches.values)
        keys, sums = np.concatenate([self._votes[0], keys]), np.concatenate([self._votes[1], sums])
        order = np.argsort(keys, kind="stable")
        firsts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        keys, sums = keys[order][firsts], np.add.reduceat(sums[order], firsts) if firsts.size else sums
        goes_on = np.isin(keys >> VALUE_BITS, labels[-1])
        self._count_up(keys[~goes_on], sums[~goes_on])
        self._votes = keys[goes_on], sums[goes_on]

    def _count_up(self, keys: NDArray[np.int64], sums: NDArray[np.int64]) -> None:
        _take_best(keys, sums, self._patches.sizes, self._best, self._shares)


@njit(cache=True, nogil=True)
def _add_confidence(
    labels: NDArray[np.int32], confidence: NDArray[np.uint16], known: NDArray[np.int64], totals: NDArray[np.int64]
) -> None:
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            if confidence[row, column] <= FULL_SHARE:
                known[labels[row, column]] += 1
                totals[labels[row, column]] += confidence[row, column]


@njit(cache=True, nogil=True)
def _dense_labels(
    labels: NDArray[np.int32], scratch: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Number the labels of a strip 1..k; return them, the label of each number and its cells.

    `scratch` holds 0 for each label of the map, and is left so.
    """
    dense = np.zeros(labels.shape, np.int32)
    originals, sizes = np.zeros(labels.size + 1, np.int32), np.zeros(labels.size + 1, np.int64)
    count = 0
    flat, numbered = labels.ravel(), dense.ravel()
    for cell in range(flat.size):
        label = flat[cell]
        if label == NO_LABEL:
            continue
        if scratch[label] == 0:
            count += 1
            scratch[label] = count
            originals[count] = label
        numbered[cell] = scratch[label]
        sizes[scratch[label]] += 1
    scratch[originals[: count + 1]] = 0
    return dense, originals[: count + 1], sizes[: count + 1]


@njit(cache=True, nogil=True)
def _tally_strip(
    ballots: Ballots,
    starts: NDArray[np.int64],
    cells: NDArray[np.int32],
    originals: NDArray[np.int32],
    own: NDArray[np.uint16],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (label << 16 | class value) and the sum of its shares, for each pair with votes."""
    keys, sums = np.empty(1024, np.int64), np.empty(1024, np.int64)
    found = 0
    totals = np.zeros(VALUE_COUNT, np.int64)
    for patch in range(1, originals.size):
        members = cells[starts[patch] : starts[patch + 1]]
        _sum_votes(ballots, members, totals)
        totals[0] = 0
        totals[own[originals[patch]]] = 0
        for ballot in range(ballots.candidates.shape[0]):
            for cell in members:
                value = ballots.candidates[ballot, cell]
                if totals[value] == 0:
                    continue
                if found == keys.size:
                    keys = np.concatenate((keys, np.empty(found, np.int64)))
                    sums = np.concatenate((sums, np.empty(found, np.int64)))
                keys[found] = np.int64(originals[patch]) << VALUE_BITS | value
                sums[found] = totals[value]
                found += 1
                totals[value] = 0
    return keys[:found], sums[:found]


@njit(cache=True, nogil=True)
def _sum_votes(ballots: Ballots, members: NDArray[np.int32], totals: NDArray[np.int64]) -> None:
    for ballot in range(ballots.candidates.shape[0]):
        for cell in members:
            share = ballots.shares[ballot, cell]
            if share <= FULL_SHARE:
                totals[ballots.candidates[ballot, cell]] += share


@njit(cache=True, nogil=True)
def _take_best(
    keys: NDArray[np.int64],
    sums: NDArray[np.int64],
    sizes: NDArray[np.int64],
    best: NDArray[np.uint16],
    shares: NDArray[np.int64],
) -> None:
    """Keep the two classes with most votes of each patch; `keys` are sorted, so the smaller value comes first."""
    start = 0
    while start < keys.size:
        label = keys[start] >> VALUE_BITS
        stop = start
        while stop < keys.size and keys[stop] >> VALUE_BITS == label:
            stop += 1
        first = start + np.argmax(sums[start:stop])
        for rank in range(2):
            share = round(sums[first] / sizes[label])
            if share > 0:
                best[rank, label] = keys[first] & (VALUE_COUNT - 1)
                shares[rank, label] = share
            sums[first] = 0
            first = start + np.argmax(sums[start:stop])
        start = stop
