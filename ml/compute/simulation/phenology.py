"""What each habitat looks like through the year: mixtures of leaves, dry grass and ground, by day."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.compute.simulation.habitats import CODES, NUMBERS
from ml.compute.simulation.weather import YearWeather

BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
DAYS = 366
# Reflectance x 10,000 of pure surfaces in the six bands, rounded from what spectral libraries show.
_SURFACES = {
    "broad": (230, 560, 270, 4500, 2100, 900),
    "oak": (230, 450, 270, 3100, 1550, 720),
    "needle": (200, 420, 250, 2700, 1150, 520),
    "grass": (330, 750, 420, 3900, 2350, 1150),
    "crop": (300, 700, 330, 4700, 2100, 950),
    "vine": (280, 620, 330, 4000, 1950, 900),
    "halophyte": (420, 720, 620, 2500, 1600, 850),
    "heath": (230, 440, 330, 2500, 1700, 850),
    "straw": (750, 1050, 1450, 2600, 3500, 2600),
    "litter": (450, 600, 800, 1900, 2600, 1800),
    "limestone": (1200, 1550, 1900, 2500, 3000, 2600),
    "brown": (650, 900, 1200, 1750, 2500, 2150),
    "red": (600, 850, 1450, 2050, 2800, 2400),
    "dark": (450, 600, 800, 1300, 2000, 1600),
    "sand": (1900, 2400, 2850, 3400, 3900, 3500),
    "wet sand": (1300, 1600, 1900, 2200, 2000, 1700),
    "mud": (900, 1100, 1250, 1500, 1000, 650),
    "salt": (1600, 1850, 2050, 2300, 1700, 1200),
    "sea": (650, 480, 230, 90, 50, 40),
    "murky sea": (800, 850, 500, 180, 70, 50),
    "lagoon": (600, 700, 430, 170, 80, 60),
    "murky lagoon": (800, 1050, 800, 350, 120, 80),
    "roof": (1150, 1300, 1600, 2000, 2150, 1950),
    "street": (950, 1050, 1150, 1400, 1550, 1450),
    "rock": (1000, 1200, 1350, 1750, 2250, 2000),
    "dark rock": (650, 780, 880, 1150, 1500, 1350),
    "char": (380, 430, 500, 800, 1700, 1750),
    "ash": (600, 680, 780, 1150, 2000, 1900),
    "shade": (130, 110, 70, 160, 60, 30),
}
SNOW = (8500, 8600, 8500, 7600, 1000, 900)


class Stand(NamedTuple):
    """One look of a habitat.

    Attributes:
        code: the habitat.
        share: how often its stands look like this.
        leaf: surface of the green parts; ground, poor_ground: what shows between them.
        evergreen, season, winter: share of the cell green all year, in the growing season, from autumn to spring.
        start, end: days of half green-up and half browning, at `altitude` metres.
        dry: share of the bare part hidden by dead leaves or straw.
        shade: share in the shadow of the canopy.
        snow: how much of the snow shows.
    """

    code: str
    share: float
    leaf: str
    ground: str
    poor_ground: str
    evergreen: float
    season: float
    winter: float
    start: float
    end: float
    dry: float
    shade: float
    snow: float
    altitude: float


# fmt: off
STANDS = (
    Stand("A5.2", 1.0, "grass", "sea", "murky sea", 0, 0, 0, 100, 200, 0, 0, 0, 0),
    Stand("X02", 1.0, "halophyte", "lagoon", "murky lagoon", 0, 0.06, 0, 120, 280, 0, 0, 0, 0),
    Stand("B1.2", 1.0, "grass", "sand", "wet sand", 0.01, 0.01, 0, 120, 200, 0.02, 0, 0.9, 0),
    Stand("B1.4", 1.0, "grass", "sand", "sand", 0.16, 0.06, 0.22, 110, 200, 0.35, 0, 0.9, 0),
    Stand("A2.5", 0.45, "halophyte", "mud", "salt", 0.38, 0.25, 0, 120, 300, 0.2, 0, 0.9, 0),
    Stand("A2.5", 0.30, "grass", "mud", "salt", 0.22, 0.42, 0, 95, 240, 0.5, 0, 0.9, 0),
    Stand("A2.5", 0.25, "halophyte", "salt", "mud", 0.04, 0.45, 0, 168, 300, 0.1, 0, 0.9, 0),
    Stand("C3.2", 0.6, "grass", "mud", "lagoon", 0.05, 0.72, 0, 128, 298, 0.8, 0.06, 0.7, 0),
    Stand("C3.2", 0.4, "grass", "lagoon", "mud", 0.04, 0.62, 0, 122, 290, 0.55, 0.06, 0.7, 0),
    Stand("G1.3", 0.6, "broad", "litter", "brown", 0.08, 0.74, 0.05, 92, 308, 0.3, 0.14, 0.5, 100),
    Stand("G1.3", 0.4, "broad", "lagoon", "brown", 0.10, 0.66, 0.05, 100, 300, 0.3, 0.16, 0.5, 100),
    Stand("I1.1", 0.5, "crop", "brown", "red", 0.02, 0.82, 0.06, 62, 168, 0.5, 0, 0.95, 40),
    Stand("I1.1", 0.28, "crop", "brown", "brown", 0.03, 0.78, 0.04, 152, 248, 0.25, 0, 0.95, 40),
    Stand("I1.1", 0.22, "crop", "brown", "brown", 0.15, 0.6, 0.05, 72, 300, 0.3, 0, 0.95, 40),
    Stand("I1.5", 0.45, "grass", "brown", "red", 0.10, 0.12, 0.46, 80, 190, 0.6, 0, 0.95, 60),
    Stand("I1.5", 0.25, "grass", "brown", "red", 0.04, 0.08, 0.16, 80, 180, 0.25, 0, 0.95, 60),
    Stand("I1.5", 0.30, "grass", "brown", "limestone", 0.24, 0.16, 0.30, 85, 200, 0.6, 0, 0.95, 60),
    Stand("FB.4", 0.6, "vine", "red", "brown", 0.02, 0.42, 0.08, 118, 287, 0.1, 0, 0.95, 60),
    Stand("FB.4", 0.4, "vine", "brown", "limestone", 0.05, 0.40, 0.30, 120, 282, 0.25, 0, 0.95, 60),
    Stand("J1.2", 0.5, "oak", "roof", "street", 0.10, 0.08, 0.05, 90, 300, 0.05, 0.06, 0.7, 60),
    Stand("J1.2", 0.5, "oak", "roof", "street", 0.22, 0.14, 0.08, 90, 300, 0.1, 0.06, 0.7, 60),
    Stand("E1.3", 0.6, "grass", "limestone", "limestone", 0.12, 0.1, 0.46, 85, 178, 0.65, 0, 0.95, 200),
    Stand("E1.3", 0.4, "grass", "limestone", "limestone", 0.15, 0.08, 0.28, 85, 170, 0.45, 0, 0.95, 200),
    Stand("F6.1", 0.45, "oak", "limestone", "limestone", 0.42, 0.05, 0.20, 100, 180, 0.4, 0.05, 0.8, 250),
    Stand("F6.1", 0.30, "heath", "limestone", "limestone", 0.38, 0.04, 0.12, 100, 180, 0.3, 0.05, 0.8, 250),
    Stand("F6.1", 0.25, "oak", "litter", "limestone", 0.58, 0.06, 0.10, 105, 190, 0.4, 0.08, 0.7, 250),
    Stand("G3.7", 0.6, "needle", "litter", "limestone", 0.66, 0.03, 0.08, 110, 200, 0.4, 0.15, 0.35, 150),
    Stand("G3.7", 0.4, "needle", "limestone", "limestone", 0.52, 0.04, 0.12, 105, 190, 0.4, 0.10, 0.4, 150),
    Stand("G2.1", 0.55, "oak", "litter", "limestone", 0.76, 0.04, 0.02, 130, 230, 0.5, 0.15, 0.35, 350),
    Stand("G2.1", 0.45, "oak", "litter", "limestone", 0.64, 0.05, 0.06, 125, 220, 0.5, 0.12, 0.4, 350),
    Stand("G1.7", 0.6, "broad", "litter", "litter", 0.14, 0.58, 0.05, 112, 312, 0.5, 0.15, 0.55, 600),
    Stand("G1.7", 0.4, "broad", "litter", "litter", 0.05, 0.76, 0.03, 124, 298, 0.4, 0.14, 0.6, 600),
    Stand("E2.2", 0.6, "grass", "dark", "brown", 0.34, 0.46, 0.08, 88, 285, 0.6, 0, 0.95, 700),
    Stand("E2.2", 0.4, "grass", "dark", "brown", 0.28, 0.48, 0.06, 92, 205, 0.7, 0, 0.95, 700),
    Stand("G1.6", 0.7, "broad", "litter", "litter", 0.03, 0.80, 0, 122, 290, 0.5, 0.15, 0.6, 1150),
    Stand("G1.6", 0.3, "broad", "litter", "litter", 0.18, 0.64, 0, 122, 290, 0.5, 0.18, 0.5, 1150),
    Stand("F2.2", 0.5, "heath", "dark", "straw", 0.50, 0.18, 0, 148, 275, 0.5, 0.05, 0.8, 1500),
    Stand("F2.2", 0.5, "heath", "dark", "straw", 0.36, 0.30, 0, 145, 268, 0.6, 0.04, 0.85, 1500),
    Stand("G3.3", 0.6, "needle", "dark", "dark", 0.60, 0.06, 0, 150, 270, 0.4, 0.20, 0.35, 1650),
    Stand("G3.3", 0.4, "needle", "dark", "straw", 0.42, 0.20, 0, 150, 265, 0.5, 0.15, 0.5, 1650),
    Stand("E4.3", 0.6, "grass", "dark", "straw", 0.10, 0.62, 0, 150, 258, 0.75, 0, 0.97, 1700),
    Stand("E4.3", 0.4, "grass", "rock", "straw", 0.08, 0.46, 0, 152, 255, 0.5, 0, 0.97, 1700),
    Stand("H2.5", 1.0, "grass", "rock", "dark rock", 0.04, 0.12, 0, 155, 258, 0.1, 0.04, 0.85, 1600),
    Stand("H3.1", 1.0, "heath", "dark rock", "rock", 0.09, 0.08, 0, 150, 262, 0.1, 0.26, 0.45, 1500),
    Stand("H5.5", 1.0, "grass", "char", "ash", 0.03, 0.05, 0.03, 80, 180, 0.05, 0.03, 0.9, 200),
)
# fmt: on
PIONEER_SALTMARSH = next(i for i, s in enumerate(STANDS) if s.code == "A2.5" and s.share == 0.25)
_PACE_DAYS = 9.0
_POOR_GREEN = 0.55


def stand_tables() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return, by habitat number, the first stand (n + 1,) and the cumulated shares (n + 1, 4) of its stands."""
    first = np.zeros(len(CODES) + 1, np.uint8)
    shares = np.full((len(CODES) + 1, 4), 2.0, np.float32)
    for code in CODES:
        places = [i for i, stand in enumerate(STANDS) if stand.code == code]
        first[NUMBERS[code]] = places[0]
        cumulated = np.cumsum([STANDS[i].share for i in places])
        shares[NUMBERS[code], : len(places) - 1] = cumulated[:-1]
    return first, shares


def _growth(day: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """Return 0 to 1 by day; a season that ends before it starts runs over the winter."""
    up = 1 / (1 + np.exp(-(day - start) / _PACE_DAYS))
    down = 1 / (1 + np.exp((day - end) / _PACE_DAYS))
    return up * down if start < end else np.maximum(up, down)


def _look(stand: Stand, weather: YearWeather, *, poor: bool) -> NDArray[np.float64]:
    """Return (DAYS, 6) reflectance x 10,000 of one stand, thick or poor."""
    surface = {name: np.array(values, float) for name, values in _SURFACES.items()}
    day = np.arange(DAYS, dtype=float)
    herbs = stand.leaf in ("grass", "crop", "halophyte")
    browning = stand.end - weather.drought * (22 if herbs else 9)
    season = stand.season * (1 - weather.drought * (0.22 if herbs else 0.10))
    delay = weather.spring_delay
    green = season * _growth(day, stand.start + delay, browning)
    green += stand.winter * _growth(day, 292 + 25 * weather.drought, 166 - 20 * weather.drought + delay)
    green += stand.evergreen * (1 - 0.05 * weather.drought)
    green = np.clip(green * (_POOR_GREEN if poor else 1.12), 0, 0.97)[:, None]
    bare = surface[stand.poor_ground if poor else stand.ground]
    rest = stand.dry * surface["litter" if stand.shade > 0.1 else "straw"] + (1 - stand.dry) * bare
    shade = stand.shade * (0.7 if poor else 1.1)
    return shade * surface["shade"] + (1 - shade) * (green * surface[stand.leaf] + (1 - green) * rest)


def yearly_looks(weather: YearWeather) -> NDArray[np.float32]:
    """Return (stands, 2, DAYS, 6) reflectance x 10,000, thick then poor, of every stand in one year."""
    looks = [[_look(stand, weather, poor=poor) for poor in (False, True)] for stand in STANDS]
    return np.array(looks, np.float32)
