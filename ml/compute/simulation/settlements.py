"""Departments, villages and towns: where people live, which the habitats and the territories both need."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from ml.compute.simulation.fields import Field, fractal_noise
from ml.compute.simulation.options import DEPARTMENTS, SimulationOptions, random_stream
from ml.compute.simulation.relief import FULL_SIDE_M, SHORE, Relief

GROWTH = 400  # cells across the grid on which territories grow
_HAMLETS = 70


@dataclass(frozen=True, slots=True)
class Settlements:
    """Where people live.

    Attributes:
        department: (GROWTH, GROWTH) int, 0 to 2; -1 at sea.
        commune: (GROWTH, GROWTH) int, place in `villages`; -1 at sea.
        villages: (n, 2) row and column of each commune's village, as shares of the side.
        village_department: (n,) int.
        radius_m: (n,) metres.
        hamlets: (m, 2) row and column as shares of the side.
    """

    department: NDArray[np.int32]
    commune: NDArray[np.int32]
    villages: NDArray[np.float64]
    village_department: NDArray[np.int32]
    radius_m: NDArray[np.float64]
    hamlets: NDArray[np.float64]


def settle(options: SimulationOptions, relief: Relief, lagoon: Field) -> Settlements:
    """Draw three departments, then villages, then the land that belongs to each village."""
    rng = random_stream(options.seed, "settlements")
    along, steep, height, wet_lagoon, river = (
        resample_nearest(layer, GROWTH)
        for layer in (relief.along, relief.steepness, relief.elevation, lagoon, relief.river)
    )
    land = along >= SHORE
    noise = fractal_noise(rng, GROWTH, first=12, last=96, persistence=0.7)
    effort = 1 + 5 * np.minimum(steep, 0.8) + 3.0 * (river < 0.9) + 2.6 * np.clip(noise + 0.3, 0, 3)
    department = _departments(effort, land, along)
    comfort = np.exp(-steep / 0.12) * np.interp(height, [0, 1.5, 8, 700, 1300, 1650], [0, 0.15, 1, 0.6, 0.3, 0])
    comfort = np.where(land & (wet_lagoon < -0.4), comfort + 0.02, 0) * (1 + 0.6 * (river < 3))
    villages, owner = _villages(comfort, department, options.commune_count, rng)
    return Settlements(
        department=department,
        commune=_grow_inside(effort, department, villages, owner),
        villages=(villages + 0.5) / GROWTH,
        village_department=owner,
        radius_m=_radii(villages, owner, height, rng),
        hamlets=_hamlets(comfort, rng),
    )


def resample_nearest(layer: NDArray, size: int) -> NDArray:
    """Return a square raster at (size, size), each cell taken from the nearest one."""
    place = ((np.arange(size) + 0.5) / size * layer.shape[0]).astype(int)
    return layer[np.ix_(place, place)]


def _grow(effort: Field, allowed: NDArray[np.bool_], seeds: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return, per cell, the flat index of the seed that reaches it with the least effort; -1 if none does."""
    n = effort.shape[0]
    flat, open_cells = effort.ravel(), allowed.ravel()
    cells = np.arange(n * n).reshape(n, n)
    starts, ends, costs = [], [], []
    for a, b, length in (
        (cells[:, :-1], cells[:, 1:], 1.0),
        (cells[:-1], cells[1:], 1.0),
        (cells[:-1, :-1], cells[1:, 1:], 1.414),
        (cells[:-1, 1:], cells[1:, :-1], 1.414),
    ):
        both = (open_cells[a] & open_cells[b]).ravel()
        starts.append(a.ravel()[both])
        ends.append(b.ravel()[both])
        costs.append(length * (flat[starts[-1]] + flat[ends[-1]]) / 2)
    edges = (np.concatenate(starts), np.concatenate(ends))
    graph = coo_array((np.concatenate(costs), edges), shape=(n * n, n * n)).tocsr()
    _, _, source = dijkstra(graph, directed=False, indices=seeds, min_only=True, return_predecessors=True)
    return np.where(source < 0, -1, source).reshape(n, n).astype(np.int32)


def _departments(effort: Field, land: NDArray[np.bool_], along: Field) -> NDArray[np.int32]:
    """Grow three departments from lines that run from the coast to the mountain, so that each has both."""
    axis = (np.arange(GROWTH) + 0.5) / GROWTH
    across = (1 - axis)[:, None] - (1 - axis)[None, :]
    seeds, owner = [], []
    for department, place in enumerate((-0.42, 0.0, 0.42)):
        line = np.flatnonzero((np.abs(across - place) < 1.5 / GROWTH) & land & (along < 0.9))
        seeds.append(line)
        owner.append(np.full(line.size, department))
    source = _grow(effort, land, np.concatenate(seeds))
    names = np.full(GROWTH * GROWTH + 1, -1, np.int32)
    names[np.concatenate(seeds)] = np.concatenate(owner)
    return names[source]


def _villages(
    comfort: Field, department: NDArray[np.int32], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Place `count` villages: comfortable ground, far from one another, as many in each department."""
    chosen: list[NDArray[np.int64]] = []
    for one in range(DEPARTMENTS):
        inside = np.argwhere((department == one) & (comfort > 0.02))
        inside = inside[rng.permutation(len(inside))[:6000]]
        liking = 0.6 + 0.5 * np.sqrt(comfort[inside[:, 0], inside[:, 1]])
        nearest = np.full(len(inside), float(GROWTH))
        for place in chosen:
            nearest = np.minimum(nearest, 1.2 * np.hypot(*(inside - place).T))
        for _ in range(count // DEPARTMENTS):
            score = np.minimum(nearest, 45) * liking * rng.uniform(0.75, 1.25, len(inside))
            place = inside[int(np.argmax(score))]
            chosen.append(place)
            nearest = np.minimum(nearest, np.hypot(*(inside - place).T))
    owner = np.repeat(np.arange(DEPARTMENTS, dtype=np.int32), count // DEPARTMENTS)
    return np.array(chosen), owner


def _grow_inside(
    effort: Field, department: NDArray[np.int32], villages: NDArray[np.int64], owner: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Give each cell of land to the village of its department that reaches it best."""
    commune = np.full(department.shape, -1, np.int32)
    for one in range(DEPARTMENTS):
        members = np.flatnonzero(owner == one)
        seeds = villages[members, 0] * GROWTH + villages[members, 1]
        source = _grow(effort, department == one, seeds)
        names = np.full(GROWTH * GROWTH + 1, -1, np.int32)
        names[seeds] = members
        commune = np.where(department == one, names[source], commune)
    return commune


def _radii(
    villages: NDArray[np.int64], owner: NDArray[np.int32], height: Field, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the built radius of each village in metres: one town per department, in its plain."""
    altitude = height[villages[:, 0], villages[:, 1]]
    radius = np.interp(altitude, [0, 50, 400, 1000], [270, 240, 150, 110]) * rng.uniform(0.7, 1.4, len(villages))
    for one in range(DEPARTMENTS):
        members = np.flatnonzero(owner == one)
        radius[members[int(np.argmin(np.abs(altitude[members] - 25)))]] = rng.uniform(520, 700)
    return radius


def _hamlets(comfort: Field, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return hamlets and farms, more where life is easy."""
    weight = (comfort**1.5).ravel() / (comfort**1.5).sum()
    cells = rng.choice(comfort.size, size=_HAMLETS, replace=False, p=weight)
    return (np.stack(np.unravel_index(cells, comfort.shape), axis=1) + 0.5) / GROWTH


def built_reach(options: SimulationOptions, settlements: Settlements) -> Field:
    """Return (size, size) distance to the nearest settlement over its radius, with ragged edges; 9 far away."""
    size = options.size_px
    rng = random_stream(options.seed, "settlement edges")
    ragged = 1 + 0.3 * fractal_noise(rng, size, first=max(16, round(150 * options.shrink)), last=400)
    reach = np.full((size, size), np.float32(9))
    centres = np.concatenate([settlements.villages, settlements.hamlets]) * size
    hamlet_radius = rng.uniform(35, 80, len(settlements.hamlets))
    radii = np.concatenate([settlements.radius_m, hamlet_radius]) * size / FULL_SIDE_M
    for (row, column), radius in zip(centres, np.maximum(radii, 1.6), strict=True):
        span = int(radius * 5) + 2
        r0, c0 = max(int(row) - span, 0), max(int(column) - span, 0)
        window = np.s_[r0 : int(row) + span, c0 : int(column) + span]
        here = reach[window]
        rows = (np.arange(here.shape[0]) + r0 + 0.5 - row)[:, None]
        columns = (np.arange(here.shape[1]) + c0 + 0.5 - column)[None, :]
        ratio = np.hypot(rows, columns) / radius
        reach[window] = np.minimum(here, ratio.astype(np.float32) / np.clip(ragged[window], 0.45, 1.9))
    return reach
