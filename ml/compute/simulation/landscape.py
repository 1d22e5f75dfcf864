"""Which habitat grows where in the first year, before anything changes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.compute.simulation.fields import (
    Field,
    Patchwork,
    cut_fields,
    cut_stands,
    fractal_noise,
    smooth_noise,
    unit_draws,
)
from ml.compute.simulation.habitats import NUMBERS, is_any
from ml.compute.simulation.options import SimulationOptions, hash_seed, random_stream
from ml.compute.simulation.relief import FULL_SIDE_M, SHORE, Relief, shape_relief
from ml.compute.simulation.settlements import Settlements, built_reach, settle

Classes = NDArray[np.uint8]

_DIAGONAL_M = FULL_SIDE_M * np.sqrt(2)


@dataclass(frozen=True, slots=True)
class Landscape:
    """The land before the first simulated year; every raster is (size, size).

    Attributes:
        relief: heights, slopes, rivers.
        settlements: villages and territories.
        classes: uint8, number of the habitat.
        lagoon: depth of the lagoons, in no unit; negative on land, about -1 far away.
        built: distance to the nearest settlement over its radius.
        units: uint32, name of the field, block of houses or stand that a cell belongs to.
        farmed: whether the cell is in a field.
    """

    relief: Relief
    settlements: Settlements
    classes: Classes
    lagoon: Field
    built: Field
    units: NDArray[np.uint32]
    farmed: NDArray[np.bool_]


class Taste(NamedTuple):
    """What a natural habitat likes: altitudes in metres, then weights of the conditions."""

    low: float
    high: float
    fade: float
    warm: float
    open: float
    steep: float
    wet: float
    lime: float
    patch: float
    bonus: float


# Weights tried by eye, until the belts of vegetation were those that a botanist expects.
_TASTES = {
    "E1.3": Taste(20, 560, 260, 0.3, 0.95, -0.3, -0.1, 0.15, 0.6, -0.42),
    "F6.1": Taste(20, 640, 240, 0.35, 0.4, 0.0, -0.15, 0.1, 0.6, 0.05),
    "G3.7": Taste(10, 330, 190, 0.1, -0.35, 0.0, 0.0, 0.25, 0.75, -0.05),
    "G2.1": Taste(70, 680, 230, 0.3, -0.6, 0.1, -0.05, 0.0, 0.55, 0.18),
    "G1.7": Taste(330, 980, 260, -0.45, -0.5, 0.0, 0.15, 0.0, 0.55, 0.18),
    "G1.6": Taste(900, 1500, 240, -0.5, -0.55, 0.0, 0.1, 0.0, 0.5, 0.22),
    "E2.2": Taste(450, 1350, 300, 0.1, 0.9, -2.2, 0.35, 0.0, 0.6, 0.0),
    "F2.2": Taste(1300, 1950, 230, 0.35, 0.3, 0.0, -0.1, -0.1, 0.65, -0.28),
    "G3.3": Taste(1480, 1900, 170, -0.45, -0.6, 0.2, 0.0, 0.0, 0.55, 0.12),
    "E4.3": Taste(1500, 2600, 220, 0.15, 0.7, -0.9, 0.1, 0.0, 0.5, 0.32),
    "H2.5": Taste(1450, 2600, 300, 0.2, 0.2, 1.8, -0.2, 0.0, 0.7, -0.85),
    "H3.1": Taste(900, 2600, 420, -0.1, 0.0, 3.6, 0.0, 0.0, 0.5, -2.2),
}


def lay_out_landscape(options: SimulationOptions) -> Landscape:
    """Return the land of the region before its first simulated year."""
    relief = shape_relief(options)
    lagoon = _lagoons(options, relief)
    relief = replace(relief, elevation=np.where(lagoon > 0, np.float32(0), relief.elevation))
    settlements = settle(options, relief, lagoon)
    built = built_reach(options, settlements)
    stands = cut_stands(random_stream(options.seed, "stands"), options.size_px, spacing=_patch(options, 21))
    fields = cut_fields(random_stream(options.seed, "fields"), options.size_px, spacing=_patch(options, 46))
    natural = _natural_habitats(options, relief, built)
    classes, farmed = _farm(options, relief, fields, natural)
    classes = _waterside(options, relief, lagoon, classes)
    classes = _shore(options, relief, classes)
    town = _built_up(built, fields, hash_seed(options.seed, "suburbs")) & (classes != NUMBERS["X02"])
    classes[town & (relief.along > SHORE)] = NUMBERS["J1.2"]
    farmed &= is_any(classes, "I1.1", "I1.5", "FB.4")
    units = np.where(farmed | town, fields.unit, stands.unit)
    return Landscape(relief, settlements, classes, lagoon, built, units, farmed)


def _patch(options: SimulationOptions, cells: float) -> float:
    """Return the size in cells of something `cells` wide in a full region; small regions shrink it less."""
    return max(5.0, cells * options.shrink**0.5)


def _bumps(options: SimulationOptions, full: int) -> int:
    """Return how many bumps across give patches of the right size (see _patch)."""
    return max(6, round(full * options.shrink**0.5))


def _lagoons(options: SimulationOptions, relief: Relief) -> Field:
    """Return the depth of the lagoons behind the sand bar; negative outside."""
    rng = random_stream(options.seed, "lagoons")
    size = options.size_px
    broad = smooth_noise(rng, size, 9)
    ragged = 0.22 * fractal_noise(rng, size, first=24, last=96)
    off_axis = np.abs(relief.along - (SHORE + 0.034)) / 0.021
    depth = 1.0 - off_axis**2 + 0.75 * broad + ragged
    bar_m = np.maximum(330.0, 4.0 * FULL_SIDE_M / size)
    behind_the_bar = (relief.along - SHORE) * _DIAGONAL_M / bar_m - 1
    return np.clip(np.minimum(np.minimum(depth, behind_the_bar), 0.6 * (7 - relief.elevation)), -3, 3)


def _natural_habitats(options: SimulationOptions, relief: Relief, built: Field) -> Classes:
    """Return the habitat that each cell would carry without farming, by the best-liked conditions."""
    size = options.size_px
    rng = random_stream(options.seed, "vegetation")
    bumps = _bumps(options, 116)
    # Grazing and fire keep land open, more so near the villages.
    openness = fractal_noise(rng, size, first=bumps // 4, last=bumps * 4) + 0.8 * np.exp(-built / 2)
    lime = smooth_noise(rng, size, 5)
    wetness = np.clip(relief.wetness, -2, 2.5)
    conditions: tuple[Field, ...] = (
        relief.elevation, relief.warmth, openness.astype(np.float32), relief.steepness, wetness, lime,
    )  # fmt: skip
    best = np.full((size, size), -np.inf, np.float32)
    classes = np.zeros((size, size), np.uint8)

    def patches(code: str) -> Field:
        stream = random_stream(options.seed, f"patches of {code}")
        return fractal_noise(stream, size, first=bumps, last=bumps * 8, persistence=0.75)

    with ThreadPoolExecutor(max_workers=2) as pool:
        for (code, taste), patch in zip(_TASTES.items(), pool.map(patches, _TASTES), strict=True):
            _settle_where_best(best, classes, conditions, patch, np.array(taste, np.float32), NUMBERS[code])
    return classes


@njit(cache=True, nogil=True)
def _settle_where_best(
    best: Field, classes: Classes, conditions: tuple[Field, ...], patch: Field, taste: Field, number: int
) -> None:
    """Give a cell to a habitat whose score beats those before; taste in the order of Taste."""
    elevation, warmth, openness, steepness, wetness, lime = conditions
    low, high, fade = taste[0], taste[1], taste[2]
    for row in range(best.shape[0]):
        for column in range(best.shape[1]):
            height = elevation[row, column]
            outside = max(max(low - height, height - high), np.float32(0)) / fade
            score = taste[8] * patch[row, column] + taste[9] - outside * outside
            score += taste[3] * warmth[row, column] + taste[4] * openness[row, column]
            score += taste[5] * steepness[row, column] + taste[6] * wetness[row, column]
            score += taste[7] * lime[row, column]
            if score > best[row, column]:
                best[row, column] = score
                classes[row, column] = number


def _farm(
    options: SimulationOptions, relief: Relief, fields: Patchwork, natural: Classes
) -> tuple[Classes, NDArray[np.bool_]]:
    """Return habitats with the gentle low ground under vineyards, crops and fallow, and where that is."""
    size = options.size_px
    rng = random_stream(options.seed, "farming")
    easy = 0.95 - relief.steepness / 0.14 - np.maximum(relief.elevation - 120, 0) / 190
    easy = easy + 0.4 * fractal_noise(rng, size, first=_bumps(options, 40), last=256)
    wine = smooth_noise(rng, size, 7)
    key = hash_seed(options.seed, "crops")
    choice, habit = unit_draws(fields.unit, key), unit_draws(fields.block, key)
    middle = (fields.row, fields.column)
    # Vines on the slopes, crops on the wet flats; one block rarely mixes both evenly.
    vine = 0.5 + 0.3 * wine[middle] + 0.012 * (np.minimum(relief.elevation[middle], 60) - 20)
    vine = np.clip(vine + 0.8 * (habit - 0.5), 0.04, 0.94)
    fallow, wild = 0.07 + 0.05 * (habit > 0.8), 0.045
    crop = np.where((choice - fallow - wild) / (1 - fallow - wild) < vine, NUMBERS["FB.4"], NUMBERS["I1.1"])
    crop = np.where(choice < fallow, NUMBERS["I1.5"], crop)
    farmed = (easy > 0) & ~((choice >= fallow) & (choice < fallow + wild))
    return np.where(farmed, crop, natural).astype(np.uint8), farmed


def _waterside(options: SimulationOptions, relief: Relief, lagoon: Field, classes: Classes) -> Classes:
    """Return habitats with lagoons, their salt meadows and reeds, and the woods along rivers."""
    size = options.size_px
    rng = random_stream(options.seed, "waterside")
    ragged = fractal_noise(rng, size, first=_bumps(options, 60), last=400)
    low = relief.elevation < 6
    wooded = (relief.river < 1 + 0.25 * ragged) & (relief.elevation < 850) & (ragged > -1.9)
    salty = low & (lagoon > -2.3 + 0.5 * ragged)
    fresh = (relief.river < 2.8) | (ragged + 0.8 * smooth_noise(rng, size, 11) > 1.0)
    reeds = low & fresh & (lagoon > -1.9 + 0.4 * ragged)
    classes = classes.copy()
    classes[salty] = NUMBERS["A2.5"]
    classes[wooded] = NUMBERS["G1.3"]
    classes[reeds] = NUMBERS["C3.2"]
    classes[lagoon > 0] = NUMBERS["X02"]
    return classes


def _shore(options: SimulationOptions, relief: Relief, classes: Classes) -> Classes:
    """Return habitats with the sea, the beach and the dunes."""
    size = options.size_px
    rng = random_stream(options.seed, "shore")
    cell_m = FULL_SIDE_M / size
    uneven = 1 + 0.3 * fractal_noise(rng, size, first=12, last=200)
    from_sea_m = (relief.along - SHORE) * _DIAGONAL_M
    beach_m = np.maximum(62 * uneven, 1.4 * cell_m)
    dune_m = np.maximum(250 * uneven, 3.2 * cell_m)
    dry = classes != NUMBERS["X02"]
    classes = classes.copy()
    classes[dry & (from_sea_m < dune_m)] = NUMBERS["B1.4"]
    classes[from_sea_m < beach_m] = NUMBERS["B1.2"]
    classes[from_sea_m < 0] = NUMBERS["A5.2"]
    return classes


def _built_up(built: Field, fields: Patchwork, key: np.uint64) -> NDArray[np.bool_]:
    """Return where houses stand: the old centre whole, the suburbs lot by lot."""
    lots = unit_draws(fields.unit, key)
    return (built < 0.75) | ((built < 1.6) & (lots < 1.25 - 0.75 * built))
