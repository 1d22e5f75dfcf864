"""The weather of a year: how dry, how late its spring, and when the satellite passed."""

from dataclasses import dataclass

import numpy as np

from ml.compute.simulation.options import FIRST_YEAR, SimulationOptions, random_stream

# Twelve dates a year, in days since 1 January, before a few days of chance.
_PASSES = (24, 54, 79, 104, 124, 149, 172, 194, 218, 246, 276, 312)
_DRYNESS_OF_FIRST_YEARS = {FIRST_YEAR: 0.15, FIRST_YEAR + 1: 0.85, FIRST_YEAR + 2: 0.05}


@dataclass(frozen=True, slots=True)
class YearWeather:
    """The weather of one year.

    Attributes:
        drought: 0 (wet) to 1 (severe).
        spring_delay: days, positive for a late spring.
        days: day of the year of each acquisition, from 0, increasing.
        cloudiness: share of cells hidden by clouds or their shadow at each acquisition.
    """

    drought: float
    spring_delay: float
    days: tuple[int, ...]
    cloudiness: tuple[float, ...]


def weather_of(options: SimulationOptions, year: int) -> YearWeather:
    """Return the weather of one year; the second year of the region is a drought."""
    rng = random_stream(options.seed, "weather", year)
    chance = float(rng.beta(1.2, 2.0))
    delay = float(rng.normal(0, 4))
    jitter = rng.integers(-4, 5, len(_PASSES))
    days = np.array(_PASSES) + jitter
    kept = np.linspace(0, len(days) - 1, options.date_count).round().astype(int)
    return YearWeather(
        drought=_DRYNESS_OF_FIRST_YEARS.get(year, chance),
        spring_delay=delay,
        days=tuple(int(day) for day in days[kept]),
        cloudiness=tuple(float(share) for share in _cloudiness(rng, options.date_count)),
    )


def _cloudiness(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return the hidden share of each date: a quarter in the mean, one date nearly wholly."""
    share = rng.beta(0.7, 2.4, count)
    overcast = int(rng.integers(0, count))
    wanted = rng.uniform(0.23, 0.28) * count
    share[overcast] = 0 if count > 1 else share[overcast]
    share = np.minimum(share * max(wanted - 0.95, 0) / max(share.sum(), 1e-6), 0.8)
    if count > 1:
        share[overcast] = rng.uniform(0.92, 0.98)
    return share
