"""The reference samples of one campaign: relevés and photo-interpretation, with the errors of real ones."""

import datetime
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from ml.compute.simulation.change import YearState
from ml.compute.simulation.habitats import CODES, HABITATS, NUMBERS
from ml.compute.simulation.landscape import Classes, Landscape
from ml.compute.simulation.options import SimulationOptions, random_stream
from ml.compute.simulation.place import EPSG, grid_transform
from ml.compute.simulation.relief import FULL_SIDE_M

_RELEVES = 1500
_PHOTO_POLYGONS = 1250
GPS_ERROR_M = 8.0
_LEAST_PER_HABITAT = 24
_OUTINGS = 90
_CLEAR_OF_OTHERS_CELLS = 6
_PURITY = 0.85
# Invented people, each with their own rate of wrong names; the mean is about one in twenty.
BOTANISTS = (
    ("Mireille Castanhas", 0.02), ("Aurèli Fontclara", 0.03), ("Jordi Belhomet", 0.05), ("Solange Vidalhac", 0.04),
    ("Pèire Roumenguès", 0.08), ("Clémence Taradou", 0.06), ("Yannis Puechgal", 0.10),
)  # fmt: skip
_INTERPRETERS = (("Atelier Carto-Sud, opérateur A", 0.04), ("Atelier Carto-Sud, opérateur B", 0.06))
_MOUNTAIN_M = 900.0


@dataclass(frozen=True, slots=True)
class _Draw:
    """Cells chosen for one kind of sample: flat index and the habitat found there."""

    cells: NDArray[np.int64]
    habitats: NDArray[np.uint8]


def survey_year(options: SimulationOptions, landscape: Landscape, state: YearState) -> gpd.GeoDataFrame:
    """Return the reference samples of a year.

    Returns:
        Columns code, date, observers, origin (releve or photo_interpretation), split (empty: the platform
        decides) and geometry in EPSG:2154: a GPS point for a relevé, a small outline for the others.
    """
    taken = np.zeros(state.truth.shape, np.bool_)
    rows = _photo_interpretation(options, state, taken) + _releves(options, landscape, state, taken)
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=EPSG)
    return frame[["code", "date", "observers", "origin", "split", "geometry"]]


def _share_out(options: SimulationOptions, truth: Classes, total: int) -> NDArray[np.int64]:
    """Return how many samples each habitat gets, by number: more for the common ones, a few for the rare."""
    area = np.bincount(truth.ravel(), minlength=len(CODES) + 1).astype(float)
    area[0] = 0
    area[NUMBERS["A5.2"]] *= 0.1  # nobody surveys the open sea
    scale = max(options.shrink, 0.12)
    wanted = total * scale * np.sqrt(area) / np.sqrt(area).sum()
    least = max(4.0, _LEAST_PER_HABITAT * scale)
    return np.where(area > 0, np.maximum(wanted, least), 0).round().astype(np.int64)


def _draw_cells(
    rng: np.random.Generator, truth: Classes, wanted: NDArray[np.int64], weight: NDArray, *, spare: int
) -> _Draw:
    """Draw `spare` times the wanted cells of each habitat, likelier where the weight (0 to 1) is high."""
    cells, habitats = [], []
    flat, liking = truth.ravel(), weight.ravel()
    for number in range(1, len(CODES) + 1):
        inside = np.flatnonzero(flat == number)
        if not inside.size or not wanted[number]:
            continue
        pool = rng.choice(inside, size=min(inside.size, 40 * int(wanted[number])), replace=False)
        # Exponential races: the smallest waiting times are a draw without replacement by weight.
        wait = rng.exponential(size=pool.size) / np.maximum(liking[pool], 1e-6)
        kept = pool[np.argsort(wait, kind="stable")[: int(wanted[number]) * spare]]
        cells.append(kept)
        habitats.append(np.full(kept.size, number, np.uint8))
    return _Draw(np.concatenate(cells), np.concatenate(habitats))


def _releves(
    options: SimulationOptions, landscape: Landscape, state: YearState, taken: NDArray[np.bool_]
) -> list[dict]:
    """Return relevés: GPS points with their error, around the places of the season's outings."""
    rng = random_stream(options.seed, "releves", state.year)
    wanted = _share_out(options, state.truth, _RELEVES)
    draw = _draw_cells(rng, state.truth, wanted, _outings(options, rng), spare=2)
    left = wanted.copy()
    rows = []
    for cell, number in zip(draw.cells, draw.habitats, strict=True):
        row, column = divmod(int(cell), options.size_px)
        if left[number] == 0 or taken[row, column]:
            continue
        left[number] -= 1
        taken[row, column] = True
        observer, error_rate = BOTANISTS[rng.integers(len(BOTANISTS))]
        x, y = grid_transform(options) @ (column + rng.random(), row + rng.random())
        east, south = rng.normal(0, GPS_ERROR_M / np.sqrt(2), 2)
        x, y = kept_within(options, x + east, y + south)
        rows.append(
            {
                "code": name_written(int(number), error_rate, rng),
                "date": field_day(state.year, landscape.relief.elevation[row, column], rng),
                "observers": observer,
                "origin": "releve",
                "split": "",
                "geometry": shapely.Point(x, y),
            }
        )
    return rows


def kept_within(options: SimulationOptions, x: float, y: float) -> tuple[float, float]:
    """Return a place to the decimetre, kept on the rasters where an error would carry it off."""
    corner, side = grid_transform(options), options.size_px * options.cell_m - 1
    west, north = corner.c, corner.f
    return round(float(np.clip(x, west + 1, west + side)), 1), round(float(np.clip(y, north - side, north - 1)), 1)


def _outings(options: SimulationOptions, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (size, size) how likely a cell is visited: near the places of the season's outings."""
    coarse = 100
    axis = (np.arange(coarse) + 0.5) / coarse
    visits = np.full((coarse, coarse), 0.03)
    for y, x in rng.random((_OUTINGS, 2)):
        visits += np.exp(-((axis[:, None] - y) ** 2 + (axis[None, :] - x) ** 2) / (2 * (700 / FULL_SIDE_M) ** 2))
    place = (np.arange(options.size_px) * coarse // options.size_px).astype(int)
    return np.minimum(visits, 1).astype(np.float32)[np.ix_(place, place)]


def field_day(year: int, elevation: float, rng: np.random.Generator) -> str:
    """Return a day of the field season: April to June below, June to August in the mountain."""
    first = 165 if elevation > _MOUNTAIN_M else 100
    day = first + int(rng.integers(0, 75))
    return (datetime.date(year, 1, 1) + datetime.timedelta(days=day)).isoformat()


def name_written(number: int, error_rate: float, rng: np.random.Generator) -> str:
    """Return the code an observer writes for a habitat: now and then that of one it resembles."""
    habitat = HABITATS[number - 1]
    if rng.random() < error_rate:
        return habitat.confused_with[rng.integers(len(habitat.confused_with))]
    return habitat.code


def _photo_interpretation(options: SimulationOptions, state: YearState, taken: NDArray[np.bool_]) -> list[dict]:
    """Return outlines drawn on imagery inside patches of one habitat, of some 15 to 40 cells."""
    rng = random_stream(options.seed, "photo-interpretation", state.year)
    wanted = _share_out(options, state.truth, _PHOTO_POLYGONS)
    inner = 0.02 + _inside_patches(state.truth)
    draw = _draw_cells(rng, state.truth, wanted, inner, spare=6)
    left = wanted.copy()
    rows = []
    for cell, number in zip(draw.cells, draw.habitats, strict=True):
        if left[number] == 0:
            continue
        place = divmod(int(cell), options.size_px)
        outline = _outline(options, state.truth, taken, place, rng)
        if outline is None:
            continue
        left[number] -= 1
        observer, error_rate = _INTERPRETERS[rng.integers(len(_INTERPRETERS))]
        rows.append(
            {
                "code": name_written(int(number), error_rate, rng),
                "date": datetime.date(state.year, 7, 1 + int(rng.integers(0, 28))).isoformat(),
                "observers": observer,
                "origin": "photo_interpretation",
                "split": "",
                "geometry": outline,
            }
        )
    return rows


def _inside_patches(truth: Classes) -> NDArray[np.float32]:
    """Return (size, size) 1 where the five by five cells around hold one habitat, else 0."""
    lowest = ndimage.minimum_filter(truth, size=5)
    highest = ndimage.maximum_filter(truth, size=5)
    return (lowest == highest).astype(np.float32)


def _outline(
    options: SimulationOptions,
    truth: Classes,
    taken: NDArray[np.bool_],
    place: tuple[int, int],
    rng: np.random.Generator,
) -> shapely.Polygon | None:
    """Return a hand-drawn outline around a cell, or None where it would be mixed or touch another.

    Narrow habitats get an outline along their length: the shape follows the cells of the habitat around.
    """
    row, column = place
    reach = _CLEAR_OF_OTHERS_CELLS
    top, left = max(row - reach, 0), max(column - reach, 0)
    window = np.s_[top : row + reach + 1, left : column + reach + 1]
    if taken[window].any():
        return None
    angles = np.sort(rng.uniform(0, 2 * np.pi, 11))
    radius = np.sqrt(rng.uniform(17, 42) / np.pi)
    lengths = radius * rng.uniform(0.8, 1.2, angles.size)
    limit = _free_lengths(truth, place, angles, reach)
    lengths = np.minimum(lengths, limit)
    rows, columns = row + 0.5 + lengths * np.sin(angles), column + 0.5 + lengths * np.cos(angles)
    x, y = grid_transform(options) @ (columns, rows)
    outline = shapely.Polygon(np.round(np.column_stack([x, y]), 1))
    if not outline.is_valid or outline.area < 3 * options.cell_m**2:
        return None
    rows, columns = np.indices(taken[window].shape)
    x, y = grid_transform(options) @ (columns + left + 0.5, rows + top + 0.5)
    inside = shapely.contains_xy(outline, x, y)
    found = truth[window][inside]
    if not found.size or (found == truth[row, column]).mean() < _PURITY:
        return None
    taken[window] |= inside
    return outline


def _free_lengths(
    truth: Classes, place: tuple[int, int], angles: NDArray[np.float64], reach: int
) -> NDArray[np.float64]:
    """Return, by angle, how far one walks in the habitat of a cell before leaving it, in cells."""
    row, column = place
    steps = np.arange(0.5, reach, 0.5)
    rows = (row + 0.5 + steps[:, None] * np.sin(angles)).astype(int)
    columns = (column + 0.5 + steps[:, None] * np.cos(angles)).astype(int)
    size = truth.shape[0]
    there = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
    same = there & (truth[rows.clip(0, size - 1), columns.clip(0, size - 1)] == truth[row, column])
    return 0.4 + 0.5 * same.cumprod(axis=0).sum(axis=0)
