"""What changes from year to year: fire and what grows back, building, abandonment, the level of the lagoons."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.compute.simulation.fields import fractal_noise, unit_draws
from ml.compute.simulation.habitats import NUMBERS, is_any
from ml.compute.simulation.landscape import Classes, Landscape
from ml.compute.simulation.options import FIRST_YEAR, SimulationOptions, hash_seed, random_stream
from ml.compute.simulation.weather import YearWeather, weather_of

CAUSES = {
    1: "fire",
    2: "regrowth after fire",
    3: "building",
    4: "abandoned field",
    5: "replanted field",
    6: "scrub spreading over dry grassland",
    7: "lagoon shore laid dry by drought",
    8: "lagoon shore flooded again",
}
_HECTARES_OF_FIRES = {FIRST_YEAR: (75.0, 28.0), FIRST_YEAR + 1: (360.0, 65.0), FIRST_YEAR + 2: (50.0,)}
_FLAMMABLE = ("F6.1", "G3.7", "G2.1", "E1.3", "G1.7", "I1.5")
_CELLS_PER_HECTARE = 100.0
_SLOW_TO_RECOVER = 4  # years during which a scar looks thinner than its habitat


@dataclass(frozen=True, slots=True)
class YearState:
    """The land in one year; every raster is (size, size).

    Attributes:
        year: the year.
        weather: its weather.
        classes: habitats without what the water level hides or shows.
        truth: habitats as they are this year.
        earlier: habitats before the events of this year.
        event_day: day of the year from which `truth` is what the satellite sees; 0 where it is so all year.
        cause: key of CAUSES where the truth differs from the year before, 0 elsewhere.
        burnt_from: habitat that burnt this year, 0 elsewhere.
        scar_age: years since the last fire, 0 where none is remembered.
    """

    year: int
    weather: YearWeather
    classes: Classes
    truth: Classes
    earlier: Classes
    event_day: NDArray[np.int16]
    cause: Classes
    burnt_from: Classes
    scar_age: Classes


def live_years(options: SimulationOptions, landscape: Landscape, years: tuple[int, ...]) -> Iterator[YearState]:
    """Yield the state of each of the years, in order, living every year since FIRST_YEAR."""
    nothing = np.zeros_like(landscape.classes)
    before = YearState(
        FIRST_YEAR - 1,
        weather_of(options, FIRST_YEAR),
        landscape.classes,
        landscape.classes,
        landscape.classes,
        nothing.astype(np.int16),
        nothing,
        nothing,
        nothing,
    )
    for year in range(FIRST_YEAR, max(years) + 1):
        before = live_one_year(options, landscape, before, year)
        if year in years:
            yield before


def live_one_year(options: SimulationOptions, landscape: Landscape, before: YearState, year: int) -> YearState:
    """Return the state of the year that follows `before`."""
    weather = weather_of(options, year)
    classes, cause, scar_age = _grow_back(before)
    earlier = classes.copy()
    _turn_fields(options, landscape, classes, cause, year)
    event_day = _build(options, landscape, classes, cause, year)
    burnt_from = np.zeros_like(classes)
    for number, hectares in enumerate(_fires(options, weather, year)):
        burnt = _burn(options, landscape, classes, hectares, (year, number))
        burnt_from[burnt] = earlier[burnt]
        classes[burnt], cause[burnt], scar_age[burnt] = NUMBERS["H5.5"], 1, 1
        event_day[burnt] = 198 + random_stream(options.seed, "fire date", year).integers(0, 25)
    truth = _water_level(landscape, classes, weather)
    was, now = before.truth == NUMBERS["X02"], truth == NUMBERS["X02"]
    cause[was & ~now], cause[~was & now] = 7, 8
    cause[truth == before.truth] = 0
    return YearState(year, weather, classes, truth, earlier, event_day, cause, burnt_from, scar_age)


def _grow_back(before: YearState) -> tuple[Classes, Classes, Classes]:
    """Return habitats, causes and ages of scars once last year's burnt ground is green again."""
    classes = before.classes.copy()
    cause = np.zeros_like(classes)
    burnt = before.burnt_from > 0
    # Grassland and fallow come back as they were; trees leave garrigue for years.
    herbs = is_any(before.burnt_from, "E1.3", "I1.5")
    classes[burnt] = np.where(herbs, before.burnt_from, NUMBERS["F6.1"])[burnt]
    cause[burnt] = 2
    scar_age = np.where(before.scar_age > 0, before.scar_age + 1, 0)
    return classes, cause, np.where(scar_age > _SLOW_TO_RECOVER, 0, scar_age).astype(np.uint8)


def _fires(options: SimulationOptions, weather: YearWeather, year: int) -> tuple[float, ...]:
    """Return the hectares of each fire of a year, in the full region."""
    if year in _HECTARES_OF_FIRES:
        return _HECTARES_OF_FIRES[year]
    rng = random_stream(options.seed, "fire sizes", year)
    sizes = rng.lognormal(3.6 + 1.6 * weather.drought, 0.6, rng.integers(1, 3))
    return tuple(float(size) for size in np.minimum(sizes, 500))


def _cells(options: SimulationOptions, hectares: float) -> int:
    """Return the cells that stand for so many hectares of the full region."""
    return max(12, round(hectares * _CELLS_PER_HECTARE * options.shrink**2))


def _burn(
    options: SimulationOptions, landscape: Landscape, classes: Classes, hectares: float, which: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the cells of one fire, driven to the south-east by the tramontane, stopped by fields and towns."""
    size = options.size_px
    rng = random_stream(options.seed, f"fire {which[1]}", which[0])
    fuel = is_any(classes, *_FLAMMABLE)
    row, column = _origin(fuel, landscape.relief.elevation, rng)
    count = min(_cells(options, hectares), int(fuel.sum()) // 2)
    angle = np.pi / 4 + rng.normal(0, 0.25)
    rows = (np.arange(size) - row)[:, None]
    columns = (np.arange(size) - column)[None, :]
    ahead = rows * np.sin(angle) + columns * np.cos(angle)
    aside = columns * np.sin(angle) - rows * np.cos(angle)
    reach = np.where(ahead > 0, ahead / 2.3, -ahead / 0.8) ** 2 + (aside / 0.8) ** 2
    bumps = max(8, round(90 * options.shrink**0.5))
    ragged = fractal_noise(rng, size, first=bumps, last=bumps * 4, persistence=0.7)
    cost = np.where(fuel, np.sqrt(reach) * np.exp(0.28 * ragged), np.inf).astype(np.float32)
    return cost <= np.partition(cost.ravel(), count)[count]


def _origin(fuel: NDArray[np.bool_], elevation: NDArray, rng: np.random.Generator) -> tuple[int, int]:
    """Draw where a fire starts: in the low hills, where all around can burn."""
    size = fuel.shape[0]
    step = max(size // 50, 2)
    side = size // step
    cut = np.s_[: side * step, : side * step]
    share = fuel[cut].reshape(side, step, side, step).mean(axis=(1, 3))
    height = elevation[cut].reshape(side, step, side, step).mean(axis=(1, 3))
    weight = (share**4 * np.interp(height, [20, 90, 450, 800], [0.1, 1, 1, 0])).ravel()
    weight[weight < np.quantile(weight, 0.85)] = 0
    place = int(rng.choice(weight.size, p=weight / weight.sum()))
    return int((place // side + 0.5) * step), int((place % side + 0.5) * step)


def _choose_units(landscape: Landscape, allowed: NDArray[np.bool_], cells: int, key: np.uint64) -> NDArray[np.bool_]:
    """Return whole units drawn by chance among the allowed cells, until their area reaches `cells`."""
    units, counts = np.unique(landscape.units[allowed], return_counts=True)
    if not units.size:
        return np.zeros_like(allowed)
    order = np.argsort(unit_draws(units.reshape(1, -1), key)[0], kind="stable")
    last = int(np.searchsorted(np.cumsum(counts[order]), cells)) + 1
    chosen = np.zeros_like(allowed)
    chosen[allowed] = np.isin(landscape.units[allowed], units[order[:last]])
    return chosen


def _turn_fields(options: SimulationOptions, landscape: Landscape, classes: Classes, cause: Classes, year: int) -> None:
    """Abandon vineyards, replant fallow land, let scrub close dry grassland, in place."""
    turns = (
        ("FB.4", "I1.5", 85.0, 4, landscape.farmed),
        ("I1.1", "I1.5", 30.0, 4, landscape.farmed),
        ("I1.5", "FB.4", 35.0, 5, landscape.farmed),
        ("I1.5", "E1.3", 30.0, 4, landscape.farmed),
        ("E1.3", "F6.1", 60.0, 6, ~landscape.farmed),
    )
    was = classes.copy()
    for before, after, hectares, why, where in turns:
        key = hash_seed(options.seed, f"{before} to {after}", year)
        allowed = (was == NUMBERS[before]) & (classes == was) & where
        chosen = _choose_units(landscape, allowed, _cells(options, hectares), key)
        classes[chosen], cause[chosen] = NUMBERS[after], why


def _build(
    options: SimulationOptions, landscape: Landscape, classes: Classes, cause: Classes, year: int
) -> NDArray[np.int16]:
    """Build on fields beside the towns, in place; return the day when the ground is cleared, 0 elsewhere."""
    fields = is_any(classes, "I1.1", "I1.5", "FB.4") & landscape.farmed
    key = hash_seed(options.seed, "building", year)
    beside = fields & (landscape.built < 2.4)
    chosen = _choose_units(landscape, beside, _cells(options, 55.0), key)
    classes[chosen], cause[chosen] = NUMBERS["J1.2"], 3
    event_day = np.zeros(classes.shape, np.int16)
    event_day[chosen] = 20 + 100 * unit_draws(landscape.units[chosen].reshape(1, -1), key)[0]
    return event_day


def _water_level(landscape: Landscape, classes: Classes, weather: YearWeather) -> Classes:
    """Return habitats with the shallow lagoon shores that a drought lays dry as saltmarsh."""
    level = 0.3 * max(weather.drought - 0.4, 0)
    dry = (classes == NUMBERS["X02"]) & (landscape.lagoon < level)
    return np.where(dry, NUMBERS["A2.5"], classes).astype(np.uint8)
