"""The lie of the land: a transect from the sea in the south-east to the mountain in the north-west."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ml.compute.simulation.drainage import cut_valleys, draw_rivers, gather_water, route_water
from ml.compute.simulation.fields import Field, fractal_noise, resample, smooth_noise
from ml.compute.simulation.options import FULL_SIZE_PX, SimulationOptions, random_stream

COARSE = 250  # cells across the grid where water runs, whatever the size of the region
FULL_SIDE_M = 20_000.0
SHORE = 0.215  # where the sea ends along the transect (0 = south-east corner, 1 = north-west corner)
# Distance along the transect, altitude in metres, roughness in metres.
_PROFILE = np.array(
    [
        (0.000, -30, 0),
        (0.200, -1, 0),
        (0.230, 1.5, 1),
        (0.265, 3.5, 3),
        (0.300, 10, 8),
        (0.380, 38, 18),
        (0.450, 120, 55),
        (0.520, 270, 100),
        (0.600, 480, 160),
        (0.690, 830, 220),
        (0.780, 1260, 280),
        (0.870, 1720, 320),
        (1.000, 2150, 330),
    ]
)
_RIVER_STARTS_AT_CELLS = 260  # 1.7 km2 drained


@dataclass(frozen=True, slots=True)
class Relief:
    """The ground of a region; every raster is (size, size), row 0 in the north.

    Attributes:
        along: position along the transect, 0 to 1; the shore is where it passes SHORE.
        elevation: metres above the sea, 0 over the sea.
        east_fall, south_fall: slope towards the east and the south, metres per metre.
        river: distance to the nearest river, in half-widths of its wooded bank; 9 far away.
        river_water: open water of the widest rivers.
        wetness: how much water gathers, standard units.
        steepness: tangent of the slope.
    """

    along: Field
    elevation: Field
    east_fall: Field
    south_fall: Field
    river: Field
    river_water: NDArray[np.bool_]
    wetness: Field
    steepness: Field

    @property
    def warmth(self) -> Field:
        """How much a slope faces the sun at noon: positive to the south, negative to the north."""
        return np.tanh(2.5 * (0.3 * self.east_fall + self.south_fall))


def transect_position(seed: int, size: int) -> Field:
    """Return (size, size) position along the transect: 0 in the south-east corner, 1 in the north-west."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    straight = ((1 - axis)[:, None] + (1 - axis)[None, :]) / 2
    rng = random_stream(seed, "transect")
    bends = 0.016 * smooth_noise(rng, size, 3) + 0.012 * smooth_noise(rng, size, 7)
    # The sandy shore of the gulf is nearly straight; the hills behind are not.
    return straight + bends * np.clip((straight - 0.12) / 0.3, 0.25, 1.0)


def _coarse_height(seed: int) -> NDArray[np.float64]:
    """Return (COARSE, COARSE) metres, before and after the rivers cut their valleys."""
    along = transect_position(seed, COARSE)
    rng = random_stream(seed, "relief")
    base = np.interp(along, _PROFILE[:, 0], _PROFILE[:, 1])
    rough = np.interp(along, _PROFILE[:, 0], _PROFILE[:, 2])
    noise = fractal_noise(rng, COARSE, first=5, last=80, persistence=0.6)
    height = base + rough * noise + _coastal_massif(along, rng)
    worn = cut_valleys(np.where(along < SHORE, -5.0, np.maximum(height, 0.5)), 0.024, 14)
    worn = ndimage.gaussian_filter(worn, 0.7)
    return np.where(along < SHORE, np.minimum(worn, 0), np.maximum(worn, 0.3))


def _coastal_massif(along: Field, rng: np.random.Generator) -> Field:
    """Return a limestone hill behind the lagoons, as those that stand alone on the coast of the gulf."""
    axis = (np.arange(COARSE, dtype=np.float32) + 0.5) / COARSE
    across = (axis[:, None] - axis[None, :]) / 1.0
    centre = rng.uniform(0.18, 0.3) * rng.choice([-1, 1])
    distance = ((across - centre) / 0.16) ** 2 + ((along - 0.325) / 0.05) ** 2
    rugged = 1 + 0.35 * fractal_noise(rng, COARSE, first=10, last=80, persistence=0.7)
    return 165 * np.exp(-(distance**1.4)) * np.clip(rugged, 0.2, 2)


def _fine_detail(seed: int, elevation: Field, along: Field) -> Field:
    """Return (size, size) metres of crags and hollows finer than the coarse grid."""
    size = elevation.shape[0]
    rng = random_stream(seed, "relief detail")
    noise = fractal_noise(rng, size, first=64, last=512, persistence=0.5)
    amplitude = np.interp(along, [0.22, 0.4, 0.55, 0.8, 1.0], [0.15, 1.0, 6.0, 16.0, 26.0])
    return (amplitude * noise).astype(np.float32) * np.clip(elevation / 5, 0, 1)


def _rivers(coarse: NDArray[np.float64], options: SimulationOptions) -> tuple[Field, NDArray[np.bool_], Field]:
    """Return nearness to rivers, open water and wetness, each (size, size)."""
    size = options.size_px
    receiver, order = route_water(coarse)
    water = gather_water(receiver, order)
    rng = random_stream(options.seed, "rivers")
    # Rivers wander where the ground is low; without it they would follow the eight directions of the grid.
    freedom = np.interp(coarse, [0, 5, 150, 500], [0.4, 1.3, 0.9, 0.4])
    wander = np.stack([freedom * smooth_noise(rng, COARSE, 55) for _ in range(2)]).reshape(2, -1)
    step = size / COARSE
    rows = (np.arange(COARSE * COARSE) // COARSE + 0.5 + wander[0]) * step
    columns = (np.arange(COARSE * COARSE) % COARSE + 0.5 + wander[1]) * step
    metres = 15 + 45 * np.sqrt(water / (COARSE * COARSE * 0.05))
    narrowest = 0.7  # cells: a bank must still be seen in a small region
    width = np.maximum(np.minimum(metres, 70) / (FULL_SIDE_M / FULL_SIZE_PX) * options.shrink, narrowest)
    width[(water < _RIVER_STARTS_AT_CELLS) | (coarse.ravel() <= 0)] = 0
    nearness, open_water = draw_rivers(rows, columns, receiver, width, size)
    wetness = np.log(ndimage.gaussian_filter(water.reshape(coarse.shape), 1.0))
    wetness = (wetness - wetness.mean()) / wetness.std()
    return nearness, open_water, resample(wetness, size)


def shape_relief(options: SimulationOptions) -> Relief:
    """Return the relief of the region, the same transect at every size."""
    size = options.size_px
    along = transect_position(options.seed, size)
    coarse = _coarse_height(options.seed)
    elevation = resample(coarse, size)
    elevation = elevation + _fine_detail(options.seed, elevation, along)
    elevation = np.where(along < SHORE, np.float32(0), np.maximum(elevation, np.float32(0.1)))
    # Slopes are those of the full region: a small one is the same land, compressed.
    south, east = np.gradient(elevation, FULL_SIDE_M / size)
    river, river_water, wetness = _rivers(coarse, options)
    return Relief(
        along=along.astype(np.float32),
        elevation=elevation.astype(np.float32),
        east_fall=np.asarray(-east),
        south_fall=np.asarray(-south),
        river=river,
        river_water=river_water,
        wetness=wetness,
        steepness=np.hypot(south, east),
    )
