"""Which class each year had, all years weighed together: a label flips only where the evidence outweighs stability.

A cell's years are a hidden Markov chain. What a map says of a year (its class with the confidence, the runner-ups with
their shares, the rest spread over the other classes) is weighed against a prior that the ground stays as it is.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

FULL_SHARE = 100
# No map is sure: this much, in percent, is always left to the classes that it did not name.
LEAST_REST = 1.0
UNKNOWN_STRENGTH = 255

Evidence = tuple[NDArray[np.uint16], NDArray[np.uint8]]


def weigh_years(
    classes: NDArray[np.uint16],
    shares: NDArray[np.uint8],
    transitions: NDArray[np.float64],
    frozen: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Find the likeliest history of each cell, and how surely it changed from each year to the next.

    Args:
        classes: (years, ranks, cells) classes that the maps name, from 1, the mapped one first; 0 where there is none.
        shares: (years, ranks, cells) their shares in percent.
        transitions: (classes + 1, classes + 1) chance that a class (row) is another (column) a year later; the first
            row and column are not used.
        frozen: (years - 1, cells) steps at which a cell must not change; None for no such step.

    Returns:
        (years, cells) class of each year, 0 where its map has no data; (years - 1, cells) chance in percent that
        the class differs from one year to the next, 255 where one of them has no data.
    """
    years, _ranks, cells = classes.shape
    held = np.zeros((years - 1, cells), np.bool_) if frozen is None else frozen
    labels = np.zeros((years, cells), np.uint16)
    strengths = np.full((years - 1, cells), UNKNOWN_STRENGTH, np.uint8)
    _weigh_cells(classes, shares, transitions, held, labels, strengths)
    return labels, strengths


def expected_transitions(
    classes: NDArray[np.uint16], shares: NDArray[np.uint8], transitions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Count what became what, each cell giving its chances instead of one answer.

    Args:
        classes: (years, ranks, cells) as `weigh_years` takes them.
        shares: (years, ranks, cells) in percent.
        transitions: (classes + 1, classes + 1) as believed so far.

    Returns:
        (classes + 1, classes + 1) expected cells by class before (row) and after (column), over all steps.
    """
    counts = np.zeros_like(transitions)
    _count_cells(classes, shares, transitions, counts)
    return counts


def rank_last_year(
    classes: NDArray[np.uint16],
    shares: NDArray[np.uint8],
    transitions: NDArray[np.float64],
    labels: NDArray[np.uint16],
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Say how sure the last year's classes are, now that all years have spoken.

    What comes out stands for all of the years: weighed with the next one, it hands on what they said.

    Args:
        classes: (years, ranks, cells) as `weigh_years` takes them.
        shares: (years, ranks, cells) in percent.
        transitions: (classes + 1, classes + 1) chances of change.
        labels: (cells,) class of the last year as decided, 0 where there is no data.

    Returns:
        (3, cells) the class decided, then the two likeliest others, 0 where there is none; (3, cells) their chances
        in percent.
    """
    ranks = np.zeros((3, labels.size), np.uint16)
    percents = np.zeros((3, labels.size), np.uint8)
    _rank_cells(classes, shares, transitions, labels, ranks, percents)
    return ranks, percents


@njit(cache=True, nogil=True)
def _weigh_cells(
    classes: NDArray[np.uint16],
    shares: NDArray[np.uint8],
    transitions: NDArray[np.float64],
    frozen: NDArray[np.bool_],
    labels: NDArray[np.uint16],
    strengths: NDArray[np.uint8],
) -> None:
    years, ranks, cells = classes.shape
    states = np.zeros(years * ranks, np.int64)
    path = np.zeros(years, np.int64)
    for cell in range(cells):
        count = _collect_states(classes, cell, states)
        if count == 0:
            continue
        seen = states[:count]
        emission = _emissions(classes, shares, cell, seen, transitions.shape[0] - 1)
        _best_path(emission, seen, transitions, frozen[:, cell], path)
        for year in range(years):
            if classes[year, 0, cell] > 0:
                labels[year, cell] = seen[path[year]]
        backward = _backward(emission, seen, transitions)
        forward = np.ones(count)
        for year in range(years - 1):
            pairs = _pair_chances(forward, emission, backward, seen, transitions, year)
            if classes[year, 0, cell] > 0 and classes[year + 1, 0, cell] > 0:
                strengths[year, cell] = np.uint8(np.rint(FULL_SHARE * (1 - np.diag(pairs).sum() / pairs.sum())))
            forward = _step(forward, emission, seen, transitions, year)


@njit(cache=True, nogil=True)
def _rank_cells(
    classes: NDArray[np.uint16],
    shares: NDArray[np.uint8],
    transitions: NDArray[np.float64],
    labels: NDArray[np.uint16],
    ranks: NDArray[np.uint16],
    percents: NDArray[np.uint8],
) -> None:
    years, names, cells = classes.shape
    states = np.zeros(years * names, np.int64)
    for cell in range(cells):
        if labels[cell] == 0:
            continue
        seen = states[: _collect_states(classes, cell, states)]
        emission = _emissions(classes, shares, cell, seen, transitions.shape[0] - 1)
        forward = np.ones(seen.size)
        for year in range(years - 1):
            forward = _step(forward, emission, seen, transitions, year)
        chances = forward * emission[years - 1]
        chances *= (FULL_SHARE - LEAST_REST) / chances.sum()
        for rank in range(min(3, seen.size)):
            best = np.argmax(chances)
            if rank == 0:
                best = np.argmax(seen == labels[cell])
            percent = np.uint8(np.rint(chances[best]))
            if rank == 0 or percent > 0:
                ranks[rank, cell] = seen[best]
                percents[rank, cell] = percent
            chances[best] = -1.0


@njit(cache=True, nogil=True)
def _count_cells(
    classes: NDArray[np.uint16],
    shares: NDArray[np.uint8],
    transitions: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> None:
    years, ranks, cells = classes.shape
    states = np.zeros(years * ranks, np.int64)
    for cell in range(cells):
        count = _collect_states(classes, cell, states)
        if count == 0:
            continue
        seen = states[:count]
        emission = _emissions(classes, shares, cell, seen, transitions.shape[0] - 1)
        backward = _backward(emission, seen, transitions)
        forward = np.ones(count)
        for year in range(years - 1):
            if classes[year, 0, cell] > 0 and classes[year + 1, 0, cell] > 0:
                pairs = _pair_chances(forward, emission, backward, seen, transitions, year)
                total = pairs.sum()
                for before in range(count):
                    for after in range(count):
                        counts[seen[before], seen[after]] += pairs[before, after] / total
            forward = _step(forward, emission, seen, transitions, year)


@njit(cache=True, nogil=True)
def _collect_states(classes: NDArray[np.uint16], cell: int, states: NDArray[np.int64]) -> int:
    """Gather the classes that any year names, each once, in order of year and rank; return how many."""
    count = 0
    for year in range(classes.shape[0]):
        for rank in range(classes.shape[1]):
            value = np.int64(classes[year, rank, cell])
            if value == 0:
                continue
            is_new = True
            for place in range(count):
                if states[place] == value:
                    is_new = False
            if is_new:
                states[count] = value
                count += 1
    return count


@njit(cache=True, nogil=True)
def _emissions(
    classes: NDArray[np.uint16], shares: NDArray[np.uint8], cell: int, states: NDArray[np.int64], class_count: int
) -> NDArray[np.float64]:
    """(years, states) what each year's map gives to each class, in percent; a year without data gives all the same."""
    years, ranks = classes.shape[:2]
    emission = np.ones((years, states.size))
    for year in range(years):
        if classes[year, 0, cell] == 0:
            continue
        named, given = 0, 0.0
        for rank in range(ranks):
            if classes[year, rank, cell] > 0:
                named += 1
                given += shares[year, rank, cell]
        rest = max(FULL_SHARE - given, LEAST_REST) / max(class_count - named, 1)
        for place in range(states.size):
            share = rest
            for rank in range(ranks):
                if classes[year, rank, cell] == states[place]:
                    share = max(rest, np.float64(shares[year, rank, cell]))
            emission[year, place] = share
    return emission


@njit(cache=True, nogil=True)
def _best_path(
    emission: NDArray[np.float64],
    states: NDArray[np.int64],
    transitions: NDArray[np.float64],
    frozen: NDArray[np.bool_],
    path: NDArray[np.int64],
) -> None:
    """Viterbi's best history, in place; of equal ones the one that changes later, or not at all."""
    years, count = emission.shape
    came_from = np.zeros((years, count), np.int64)
    best = emission[0].copy()
    for year in range(1, years):
        following = np.empty(count)
        for after in range(count):
            winner, value = after, best[after] * transitions[states[after], states[after]]
            for before in range(count):
                other = best[before] * transitions[states[before], states[after]]
                if not frozen[year - 1] and other > value:
                    winner, value = before, other
            came_from[year, after] = winner
            following[after] = value * emission[year, after]
        best = following / following.max()
    path[years - 1] = np.argmax(best)
    for year in range(years - 1, 0, -1):
        path[year - 1] = came_from[year, path[year]]


@njit(cache=True, nogil=True)
def _backward(
    emission: NDArray[np.float64], states: NDArray[np.int64], transitions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(years, states) how well the years after each one fit each class, scaled."""
    years, count = emission.shape
    backward = np.ones((years, count))
    for year in range(years - 2, -1, -1):
        for before in range(count):
            total = 0.0
            for after in range(count):
                chance = transitions[states[before], states[after]]
                total += chance * emission[year + 1, after] * backward[year + 1, after]
            backward[year, before] = total
        backward[year] /= backward[year].max()
    return backward


@njit(cache=True, nogil=True)
def _step(
    forward: NDArray[np.float64],
    emission: NDArray[np.float64],
    states: NDArray[np.int64],
    transitions: NDArray[np.float64],
    year: int,
) -> NDArray[np.float64]:
    """(states,) how well the years up to `year` lead to each class of the next one, scaled."""
    count = states.size
    following = np.zeros(count)
    for after in range(count):
        for before in range(count):
            chance = transitions[states[before], states[after]]
            following[after] += forward[before] * emission[year, before] * chance
    return following / following.max()


@njit(cache=True, nogil=True)
def _pair_chances(
    forward: NDArray[np.float64],
    emission: NDArray[np.float64],
    backward: NDArray[np.float64],
    states: NDArray[np.int64],
    transitions: NDArray[np.float64],
    year: int,
) -> NDArray[np.float64]:
    """(states, states) how well each class of `year` and each class of the next one fit, not scaled."""
    count = states.size
    pairs = np.empty((count, count))
    for before in range(count):
        for after in range(count):
            chance = transitions[states[before], states[after]]
            left = forward[before] * emission[year, before]
            pairs[before, after] = left * chance * emission[year + 1, after] * backward[year + 1, after]
    return pairs
