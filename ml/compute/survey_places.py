"""The places where one more relevé, or one more point of control, would teach most."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from ml.compute.classmaps import class_codes
from ml.compute.doubt import NO_DOUBT, doubt_plane
from ml.compute.map_products import Hesitation, MapProducts

# A relevé covers some cells: doubt counts where it surrounds the cell, not on a lone cell of an edge.
PLOT_CELLS = 3
# Candidates kept while the map is read, whatever its size: half by doubt and rarity, half drawn.
MOST_CANDIDATES = 20_000
# Where a reason is told: half of all doubt; a class with under half of the usual number of samples; further from
# the training cells than 95 % of these are from those of other blocks.
DOUBTFUL, RARE, NOVEL = 50, 0.5, 1.0
NOVELTY_WEIGHT, MOST_NOVELTY = 0.25, 2.0
COLUMNS = (
    "rank", "x", "y", "reasons", "expected", "confidence", "runner_up", "runner_up_share", "doubt", "novelty", "value",
)  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """Cells that might be visited, one entry each.

    Attributes:
        places: int64 place in the flattened grid.
        expected: uint16 class value.
        runner_up: uint16 class value, 0 where there is none.
        confidence: 0-100.
        runner_up_share: 0-100.
        doubt: 0-100, mean over the plot around the cell.
        rarity: 0-1, of the classes that the cell hesitates between.
        draw: 0-1, by place and seed.
    """

    places: NDArray[np.int64]
    expected: NDArray[np.uint16]
    runner_up: NDArray[np.uint16]
    confidence: NDArray[np.uint8]
    runner_up_share: NDArray[np.uint8]
    doubt: NDArray[np.float32]
    rarity: NDArray[np.float32]
    draw: NDArray[np.float32]

    def at(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """The candidates at these positions."""
        return type(self)(*(getattr(self, one.name)[chosen] for one in fields(self)))

    def with_others(self, others: Self) -> Self:
        """These and others."""
        pairs = ((getattr(self, one.name), getattr(others, one.name)) for one in fields(self))
        return type(self)(*(np.concatenate(pair) for pair in pairs))

    @property
    def merit(self) -> NDArray[np.float32]:
        """What a visit would teach, before novelty: doubt, twice as much for the rarest class."""
        return np.asarray(self.doubt / 100 * (1 + self.rarity), np.float32)


@dataclass(frozen=True)
class SurveyPlan:
    """What is asked for.

    Attributes:
        count: places.
        distance_m: least distance between two places, and to a sample that exists.
        seed: of the draws.
    """

    count: int
    distance_m: float
    seed: int = 0


def rarity_of(codes: Mapping[int, str], samples_by_code: Mapping[str, int]) -> NDArray[np.float32]:
    """(65536,) rarity by class value: 1 for a class without a training sample, falling as samples come."""
    rarity = np.zeros(65536, np.float32)
    for value, code in codes.items():
        rarity[value] = (1 + samples_by_code.get(code, 0)) ** -0.5
    return rarity


def find_candidates(products: MapProducts, rarity: NDArray[np.float32], plan: SurveyPlan) -> Candidates:
    """Read the map once and keep what may be worth a visit.

    Args:
        products: the map.
        rarity: (65536,) by class value.
        plan: what is asked for.

    Returns:
        At most MOST_CANDIDATES cells: the best of each square of half the distance asked for, half of them for
        their merit, half drawn.
    """
    side = max(1, int(plan.distance_m / products.grid.cell_width / 2))
    kept: Candidates | None = None
    for window, hesitation in products.windows(halo=PLOT_CELLS // 2):
        found = _candidates_of(hesitation, rarity, products.grid.width, plan.seed)
        rows, columns = np.divmod(found.places, products.grid.width)
        is_inside = (rows >= window.row_off) & (rows < window.row_off + window.height)
        is_inside &= (columns >= window.col_off) & (columns < window.col_off + window.width)
        found = found.at(is_inside)
        found = found.at(_best_of_each_square(found, products.grid.width, side))
        kept = found if kept is None else _shortened(kept.with_others(found))
    if kept is None:
        raise ValueError("a grid has at least one window")
    return _shortened(kept)


def choose_places(
    candidates: Candidates, points: NDArray[np.float64], novelty: NDArray[np.float64], plan: SurveyPlan
) -> NDArray[np.intp]:
    """Pick one place after another: each pick makes others of the same hesitation worth less.

    Args:
        candidates: where to choose.
        points: (candidates, 2) x and y in metres.
        novelty: (candidates,) 0 where it is not known.
        plan: what is asked for.

    Returns:
        Positions among the candidates, best first; fewer than asked where the distance leaves no more room.
    """
    values = value_of(candidates, novelty)
    pairs = candidates.expected.astype(np.int64) * 65536 + candidates.runner_up
    _, pairs = np.unique(pairs, return_inverse=True)
    pairs = pairs.reshape(-1)
    visits = np.zeros(int(pairs.max(initial=0)) + 1)
    is_open = np.ones(values.size, bool)
    chosen: list[int] = []
    while len(chosen) < plan.count and is_open.any():
        worth = np.where(is_open, values / np.sqrt(1 + visits[pairs]), -1.0)
        best = int(worth.argmax())
        chosen.append(best)
        visits[pairs[best]] += 1
        is_open &= ((points - points[best]) ** 2).sum(axis=1) >= plan.distance_m**2
        is_open[best] = False
    return np.array(chosen, np.intp)


def value_of(candidates: Candidates, novelty: NDArray[np.float64]) -> NDArray[np.float64]:
    """(candidates,) merit, and what novelty adds to it."""
    added = NOVELTY_WEIGHT * np.minimum(novelty, MOST_NOVELTY) * (1 + candidates.rarity)
    return np.asarray(candidates.merit + added, float)


def places_table(
    candidates: Candidates,
    chosen: NDArray[np.intp],
    points: NDArray[np.float64],
    novelty: NDArray[np.float64] | None,
    rarity: NDArray[np.float32],
    products: MapProducts,
) -> gpd.GeoDataFrame:
    """The chosen places as a table.

    Args:
        candidates: where they were chosen.
        chosen: positions among the candidates, best first.
        points: (candidates, 2) x and y in metres.
        novelty: (candidates,); None where it is not known.
        rarity: (65536,) by class value.
        products: the map.

    Returns:
        COLUMNS and a point at the middle of each cell; `reasons` holds the words doubt, rare, novel; or spread,
        where none of them holds.
    """
    codes = {0: "", **class_codes(products.classes.path)}
    picked, at = candidates.at(chosen), points[chosen]
    known = np.zeros(chosen.size) if novelty is None else novelty[chosen]
    columns = {
        "rank": np.arange(1, chosen.size + 1),
        "x": at[:, 0].round(2),
        "y": at[:, 1].round(2),
        "reasons": _reasons(picked, known, rarity),
        "expected": [codes[value] for value in picked.expected.tolist()],
        "confidence": picked.confidence.astype(int),
        "runner_up": [codes.get(value, str(value)) for value in picked.runner_up.tolist()],
        "runner_up_share": picked.runner_up_share.astype(int),
        "doubt": picked.doubt.round(1),
        "novelty": known.round(2) if novelty is not None else np.full(chosen.size, np.nan),
        "value": value_of(picked, known).round(4),
    }
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*at.T), crs=products.grid.crs)


def _reasons(picked: Candidates, novelty: NDArray[np.float64], rarity: NDArray[np.float32]) -> list[str]:
    # A class with half of the usual samples has a rarity of sqrt(2) times the usual one.
    is_rare = rarity > np.median(rarity[rarity > 0]) / RARE**0.5
    words = (
        ("doubt", picked.doubt >= DOUBTFUL),
        ("rare", is_rare[picked.expected] | is_rare[picked.runner_up]),
        ("novel", novelty > NOVEL),
    )
    return [";".join(word for word, holds in words if holds[place]) or "spread" for place in range(novelty.size)]


def _candidates_of(hesitation: Hesitation, rarity: NDArray[np.float32], width: int, seed: int) -> Candidates:
    doubt = doubt_plane(hesitation)
    mapped = doubt != NO_DOUBT
    sums = uniform_filter(np.where(mapped, doubt, 0).astype(np.float32), PLOT_CELLS, mode="constant")
    cells = uniform_filter(mapped.astype(np.float32), PLOT_CELLS, mode="constant")
    rows, columns = np.nonzero(mapped)
    places = (rows + int(hesitation.window.row_off)) * width + columns + int(hesitation.window.col_off)
    values, percents = hesitation.values[:, rows, columns], hesitation.percents[:, rows, columns]
    shares = percents / np.maximum(percents.sum(axis=0, dtype=np.float32), 1)
    return Candidates(
        places.astype(np.int64),
        values[0],
        values[1],
        percents[0],
        percents[1],
        sums[rows, columns] / cells[rows, columns],
        (shares * rarity[values]).sum(axis=0).astype(np.float32),
        _draws(places.astype(np.uint64), seed),
    )


def _draws(places: NDArray[np.uint64], seed: int) -> NDArray[np.float32]:
    """0-1 by place and seed (splitmix64): windows may come in any order."""
    mixed = places + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) / np.float64(2**64)).astype(np.float32)


def _best_of_each_square(candidates: Candidates, width: int, side: int) -> NDArray[np.intp]:
    """Per square of `side` cells, the best by merit; of equals, the one drawn first."""
    rows, columns = np.divmod(candidates.places, width)
    squares = (rows // side) * (width // side + 1) + columns // side
    order = np.lexsort((candidates.draw, -candidates.merit, squares))
    first = np.ones(order.size, bool)
    first[1:] = squares[order[1:]] != squares[order[:-1]]
    return order[first]


def _shortened(candidates: Candidates) -> Candidates:
    """At most MOST_CANDIDATES: half by merit, the rest by draw, in the order of their places."""
    if candidates.places.size > MOST_CANDIDATES:
        by_merit = np.lexsort((candidates.draw, -candidates.merit))
        best, others = by_merit[: MOST_CANDIDATES // 2], by_merit[MOST_CANDIDATES // 2 :]
        drawn = others[np.argsort(candidates.draw[others], kind="stable")[: MOST_CANDIDATES - best.size]]
        candidates = candidates.at(np.concatenate([best, drawn]))
    return candidates.at(np.argsort(candidates.places, kind="stable"))
