"""A Sentinel-2 year: sun, clouds, haze, mixed edges and noise over a scene, date by date."""

import datetime
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from ml.compute.simulation.fields import Field, enlarge, fractal_noise, mix64
from ml.compute.simulation.options import SimulationOptions, hash_seed, random_stream
from ml.compute.simulation.phenology import BANDS, DAYS, SNOW, STANDS, yearly_looks
from ml.compute.simulation.scene import Scene
from ml.compute.simulation.weather import YearWeather

NODATA = -32768
SCALE = 0.0001
_ROWS_PER_CHUNK = 128
_WORKERS = 2
_LATITUDE = 43.0
# Weight of the cell itself in the three that a detector mixes along each axis; the last two bands are 20 m wide.
_SHARPNESS = (0.74, 0.74, 0.74, 0.70, 0.50, 0.50)
_HAZE_BY_BAND = (1.0, 0.85, 0.75, 0.5, 0.22, 0.15)


class Air(NamedTuple):
    """One acquisition.

    Attributes:
        day: day of the year, from 0.
        sun: tangent of the zenith angle, then sine and cosine of the azimuth.
        gain: (6,) float32, radiometric error of the date by band.
        haze: (size, size) float32, reflectance x 10,000 added in the blue.
        hidden: (size, size) bool, under a cloud or its shadow.
        snow_line: metres.
        key: seed of the white noise.
    """

    day: int
    sun: tuple[float, float, float]
    gain: Field
    haze: Field
    hidden: NDArray[np.bool_]
    snow_line: float
    key: np.uint64


class Looks(NamedTuple):
    """Tables of the stands: reflectance by day, altitude in metres, how much snow shows; then of the bands."""

    looks: NDArray[np.float32]
    altitude: Field
    snow_shows: Field
    snow: Field
    sharpness: Field
    haze_by_band: Field


@njit(cache=True, nogil=True, inline="always")
def _day_of_growth(day: float, height: float, late: float) -> int:
    """Return the day of the table: 3 days per 100 m later in spring, 1.5 earlier in autumn."""
    autumn = min(max((day - 165.0) / 60.0, 0.0), 1.0)
    shifted = day - late - 0.03 * height * (1.0 - autumn) + 0.015 * height * autumn
    return min(max(round(shifted), 0), DAYS - 1)


@njit(cache=True, nogil=True, inline="always")
def _reflect(scene: Scene, air: Air, tables: Looks, row: int, column: int, out: Field) -> None:
    """Write the six reflectances x 10,000 of one cell."""
    stand = scene.stand[row, column]
    if scene.event_day[row, column] > air.day:
        stand = scene.earlier_stand[row, column]
    partner = scene.partner[row, column]
    share = scene.mixed[row, column] / np.float32(255)
    height = scene.elevation[row, column]
    late = scene.shift[row, column]
    day = _day_of_growth(air.day, height - tables.altitude[stand], late)
    other_day = _day_of_growth(air.day, height - tables.altitude[partner], late)
    poor = scene.poor[row, column] / np.float32(255)
    facing = scene.east_fall[row, column] * air.sun[1] - scene.south_fall[row, column] * air.sun[2]
    light = min(max(1.0 + 0.4 * air.sun[0] * facing, 0.4), 1.5)
    light *= 1.0 + 0.004 * (scene.tone[row, column] - 128.0)
    snow = tables.snow_shows[stand] * min(max((height + 90.0 * poor - air.snow_line) / 160.0, 0.0), 1.0)
    for band in range(6):
        value = (1 - poor) * tables.looks[stand, 0, day, band] + poor * tables.looks[stand, 1, day, band]
        other = (1 - poor) * tables.looks[partner, 0, other_day, band]
        other += poor * tables.looks[partner, 1, other_day, band]
        value += share * (other - value)
        value = (1 - snow) * value + snow * tables.snow[band]
        out[band] = value * light * air.gain[band] + air.haze[row, column] * tables.haze_by_band[band]


@njit(cache=True, nogil=True)
def _observe_rows(scene: Scene, air: Air, tables: Looks, top: int, bottom: int, out: NDArray[np.int16]) -> None:
    """Write rows `top` to `bottom` of one date into out (6, size, size) int16."""
    size = out.shape[2]
    clear = np.empty((bottom - top + 2, size, 6), np.float32)
    for i in range(clear.shape[0]):
        row = min(max(top - 1 + i, 0), size - 1)
        for column in range(size):
            _reflect(scene, air, tables, row, column, clear[i, column])
    for row in range(top, bottom):
        i = row - top + 1
        for column in range(size):
            if air.hidden[row, column]:
                for band in range(6):
                    out[band, row, column] = NODATA
                continue
            left, right = max(column - 1, 0), min(column + 1, size - 1)
            for band in range(6):
                own = tables.sharpness[band]
                side = (1 - own) / 2
                value = own * own * clear[i, column, band]
                value += own * side * (clear[i - 1, column, band] + clear[i + 1, column, band])
                value += own * side * (clear[i, left, band] + clear[i, right, band])
                value += side * side * (clear[i - 1, left, band] + clear[i - 1, right, band])
                value += side * side * (clear[i + 1, left, band] + clear[i + 1, right, band])
                bits = mix64(air.key ^ uint64((row * size + column) * 6 + band))
                noise = _bell(bits) * (14.0 + 0.018 * value)
                out[band, row, column] = round(min(max(value + noise, 1.0), 15000.0))


@njit(cache=True, nogil=True, inline="always")
def _bell(bits: np.uint64) -> float:
    """Return a number of mean 0 and variance 1, near enough to normal, from 64 random bits."""
    total = 0.0
    for _ in range(8):
        total += float(bits & uint64(255))
        bits = bits >> uint64(8)
    # The sum of eight bytes has a mean of 1020 and a standard deviation of 209.
    return (total - 1020.0) / 209.0


def observed_band_names(weather: YearWeather, year: int) -> list[str]:
    """Return DATE_BAND for each band of a year's stack, in order."""
    dates = [datetime.date(year, 1, 1) + datetime.timedelta(days=day) for day in weather.days]
    return [f"{date.isoformat()}_{band}" for date in dates for band in BANDS]


def observe_year(
    options: SimulationOptions, scene: Scene, weather: YearWeather, year: int
) -> Iterator[NDArray[np.int16]]:
    """Yield (6, size, size) int16 reflectance x 10,000 of each date, NODATA under clouds and their shadow."""
    size = options.size_px
    tables = Looks(
        yearly_looks(weather),
        np.array([stand.altitude for stand in STANDS], np.float32),
        np.array([stand.snow for stand in STANDS], np.float32),
        np.array(SNOW, np.float32),
        np.array(_SHARPNESS, np.float32),
        np.array(_HAZE_BY_BAND, np.float32),
    )
    chunks = [(top, min(top + _ROWS_PER_CHUNK, size)) for top in range(0, size, _ROWS_PER_CHUNK)]
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        air = pool.submit(_air_of, options, scene.elevation, weather, year, 0)
        for number in range(len(weather.days)):
            out = np.empty((len(BANDS), size, size), np.int16)
            rows = [pool.submit(_observe_rows, scene, air.result(), tables, top, bottom, out) for top, bottom in chunks]
            if number + 1 < len(weather.days):
                air = pool.submit(_air_of, options, scene.elevation, weather, year, number + 1)
            for one in rows:
                one.result()
            yield out


def _air_of(options: SimulationOptions, elevation: Field, weather: YearWeather, year: int, number: int) -> Air:
    """Draw the sun, the clouds and the haze of one date."""
    rng = random_stream(options.seed, f"air {number}", year)
    day = weather.days[number]
    hidden, veil = _clouds(options, elevation, weather.cloudiness[number], rng)
    haze = enlarge(rng.standard_normal((9, 9), dtype=np.float32), options.size_px)
    haze = np.float32(rng.uniform(15, 70)) * haze + np.float32(rng.uniform(-30, 60)) + veil
    gain = (1 + rng.normal(0, 0.012, len(BANDS)) + rng.normal(0, 0.015)).astype(np.float32)
    return Air(
        day, _sun(day), gain, haze, hidden, _snow_line(day, rng), hash_seed(options.seed, f"noise {number}", year)
    )


def _sun(day: int) -> tuple[float, float, float]:
    """Return the tangent of the sun's zenith angle, the sine and cosine of its azimuth, about 10:40 local time."""
    declination = np.radians(23.44) * np.sin(2 * np.pi * (day - 80) / 365.25)
    zenith = np.radians(_LATITUDE) - declination + np.radians(4)
    azimuth = np.radians(160 - 12 * np.sin(2 * np.pi * (day - 80) / 365.25))
    return float(np.tan(min(zenith, 1.25))), float(np.sin(azimuth)), float(np.cos(azimuth))


def _snow_line(day: int, rng: np.random.Generator) -> float:
    """Return the altitude above which snow lies, in metres; out of reach from June to October."""
    usual = np.interp(day, [0, 45, 90, 125, 150, 290, 320, 365], [1450, 1300, 1550, 1950, 3000, 3000, 1900, 1500])
    return float(usual + rng.normal(0, 120))


def _clouds(
    options: SimulationOptions, elevation: Field, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Field]:
    """Return what clouds and shadows hide, and the veil that the mask misses around them (reflectance x 10,000)."""
    size = options.size_px
    thickness = fractal_noise(rng, size, first=int(rng.integers(3, 9)), last=256, persistence=0.6)
    thickness += np.float32(0.35e-3 * rng.uniform(0, 1)) * elevation
    # The sun stands in the south-east: shadows fall to the north-west.
    away = max(2, round(rng.uniform(45, 95) * options.shrink**0.5))
    both = thickness.copy()
    np.maximum(both[:-away, :-away], thickness[away:, away:], out=both[:-away, :-away])
    if share <= 0.005:
        return np.zeros((size, size), np.bool_), np.zeros((size, size), np.float32)
    limit = np.quantile(both[:: max(size // 250, 1), :: max(size // 250, 1)], 1 - share)
    veil = np.clip((thickness - (limit - 0.4)) / 0.4, 0, 1) ** 2 * np.float32(420)
    return both > limit, veil.astype(np.float32)
