"""What a satellite would see of each cell in one year, apart from air and instrument."""

from typing import NamedTuple

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from ml.compute.simulation.change import YearState
from ml.compute.simulation.fields import Field, draw, fractal_noise, mix64
from ml.compute.simulation.habitats import HABITATS, NUMBERS, is_any
from ml.compute.simulation.landscape import Classes, Landscape
from ml.compute.simulation.options import SimulationOptions, hash_seed, random_stream
from ml.compute.simulation.phenology import PIONEER_SALTMARSH, stand_tables

_DRIED_SHORE = 7  # key of change.CAUSES
_WATER = ("A5.2", "X02")
_MIXING = 0.62  # share of its partner in the most mixed stand


class Scene(NamedTuple):
    """One year of land, cell by cell; every raster is (size, size).

    Attributes:
        stand, earlier_stand: uint8, row of phenology.STANDS after and before the event of the year.
        partner: uint8, row of phenology.STANDS of the habitat that grows among the first.
        mixed: uint8, share of the partner, of 255.
        event_day: int16, day of that event; 0 where there is none.
        poor: uint8, 0 for the thickest look of a stand to 255 for the poorest.
        tone: uint8, brightness of the stand, 128 in the mean.
        shift: int8, days by which the stand is late.
        elevation: float32 metres; east_fall, south_fall: float32, slope towards the east and the south.
    """

    stand: NDArray[np.uint8]
    earlier_stand: NDArray[np.uint8]
    partner: NDArray[np.uint8]
    mixed: NDArray[np.uint8]
    event_day: NDArray[np.int16]
    poor: NDArray[np.uint8]
    tone: NDArray[np.uint8]
    shift: NDArray[np.int8]
    elevation: Field
    east_fall: Field
    south_fall: Field


@njit(cache=True, nogil=True)
def _dress(
    classes: Classes,
    units: NDArray[np.uint32],
    turning: NDArray[np.bool_],
    first: NDArray[np.uint8],
    shares: Field,
    keys: tuple[np.uint64, np.uint64],
) -> NDArray[np.uint8]:
    """Return the row of phenology.STANDS of each cell; crops are drawn anew each year, other stands once."""
    out = np.empty(classes.shape, np.uint8)
    for row in range(classes.shape[0]):
        for column in range(classes.shape[1]):
            habitat = classes[row, column]
            key = keys[1] if turning[habitat] else keys[0]
            choice = draw(uint64(units[row, column]) ^ uint64(key), 31)
            place = 0
            while choice >= shares[habitat, place] and place < 3:
                place += 1
            # Past the last share stands 2.0, which no draw reaches.
            out[row, column] = first[habitat] + place
    return out


@njit(cache=True, nogil=True)
def _choose_partners(classes: Classes, units: NDArray[np.uint32], partners: Classes, key: np.uint64) -> Classes:
    """Return the habitat that grows among that of each cell; itself where it stands alone."""
    out = np.empty(classes.shape, np.uint8)
    for row in range(classes.shape[0]):
        for column in range(classes.shape[1]):
            choice = int(3 * draw(uint64(units[row, column]) ^ uint64(key), 51))
            out[row, column] = partners[classes[row, column], choice]
    return out


@njit(cache=True, nogil=True)
def _vary(
    units: NDArray[np.uint32], texture: Field, currents: Field, scar_age: Classes, key: np.uint64
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int8]]:
    """Return (poor, mixed, tone, shift) of each cell: by stand, by patch within it, and by cell.

    Water has no stands: there `currents` is not NaN and stands for them.
    """
    poor = np.empty(units.shape, np.uint8)
    mixed = np.zeros(units.shape, np.uint8)
    tone = np.full(units.shape, np.uint8(128))
    shift = np.zeros(units.shape, np.int8)
    for row in range(units.shape[0]):
        for column in range(units.shape[1]):
            unit = uint64(units[row, column]) ^ uint64(key)
            cell = mix64(uint64(key) ^ (uint64(row) << uint64(24)) ^ uint64(column))
            grain = draw(cell, 43) - 0.5
            if not np.isnan(currents[row, column]):
                level = 0.45 + 0.28 * currents[row, column] + 0.1 * grain
                poor[row, column] = int(255 * min(max(level, 0.0), 1.0))
                continue
            vigour = draw(unit, 41) + draw(unit, 42) - 1.0
            level = 0.45 + 0.42 * vigour + 0.17 * texture[row, column] + 0.22 * grain
            if scar_age[row, column] > 0:
                level += 0.7 / scar_age[row, column]
            poor[row, column] = int(255 * min(max(level, 0.0), 1.0))
            among = draw(unit, 48)
            level = _MIXING * among * among + 0.10 * texture[row, column] + 0.16 * grain
            mixed[row, column] = int(255 * min(max(level, 0.0), 0.8))
            tone[row, column] = int(128 + 46 * (draw(unit, 44) - 0.5) + 22 * (draw(cell, 45) - 0.5))
            shift[row, column] = round(9.0 * (draw(unit, 46) + draw(unit, 47) - 1.0))
    return poor, mixed, tone, shift


def _partner_table() -> Classes:
    """Return (habitats + 1, 3) the habitats that grow among each: those that an observer confuses with it."""
    table = np.repeat(np.arange(len(HABITATS) + 1, dtype=np.uint8)[:, None], 3, axis=1)
    for habitat in HABITATS:
        if habitat.code not in _WATER:
            others = [NUMBERS[code] for code in habitat.confused_with]
            table[NUMBERS[habitat.code]] = [others[i % len(others)] for i in range(3)]
    # A scar is burnt through but for some bushes; houses do not grow among trees that burnt.
    table[NUMBERS["H5.5"]] = [NUMBERS["H5.5"], NUMBERS["H5.5"], NUMBERS["F6.1"]]
    return table


def compose_scene(options: SimulationOptions, landscape: Landscape, state: YearState) -> Scene:
    """Return the scene of one year of a landscape."""
    seed, units = options.seed, landscape.units
    looks = _Wardrobe(options, state.year)
    stand = looks.dress(state.truth, units)
    stand[state.cause == _DRIED_SHORE] = PIONEER_SALTMARSH
    earlier = looks.dress(state.earlier, units) if state.event_day.any() else stand
    partners = _choose_partners(state.truth, units, _partner_table(), hash_seed(seed, "partners"))
    bumps = max(12, round(130 * options.shrink**0.5))
    texture = fractal_noise(random_stream(seed, "texture"), options.size_px, first=bumps, last=bumps * 4)
    currents = fractal_noise(
        random_stream(seed, "currents", state.year), options.size_px, first=5, last=80, persistence=0.5
    )
    currents[~is_any(state.truth, *_WATER)] = np.nan
    poor, mixed, tone, shift = _vary(units, texture, currents, state.scar_age, hash_seed(seed, "variety"))
    return Scene(
        stand=stand,
        earlier_stand=earlier,
        partner=looks.dress(partners, units),
        mixed=mixed,
        event_day=state.event_day,
        poor=poor,
        tone=tone,
        shift=shift,
        elevation=landscape.relief.elevation,
        east_fall=landscape.relief.east_fall,
        south_fall=landscape.relief.south_fall,
    )


class _Wardrobe:
    """The looks that stands of each habitat can take, in one year."""

    def __init__(self, options: SimulationOptions, year: int) -> None:
        self._first, self._shares = stand_tables()
        self._turning = np.zeros(len(self._first), np.bool_)
        self._turning[NUMBERS["I1.1"]] = True
        seed = options.seed
        self._keys = (hash_seed(seed, "stand looks"), hash_seed(seed, "crops of the year", year))

    def dress(self, classes: Classes, units: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Return the row of phenology.STANDS of each cell."""
        return _dress(classes, units, self._turning, self._first, self._shares, self._keys)
