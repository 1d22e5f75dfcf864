"""What is computed from a stack: the recipe is drawn once, at training, and kept in the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.errors import StackError
from ml.compute.planes import STATISTICS
from ml.compute.stacks import SMALL_CACHE_BYTES, Series, Stack, StackReader

# A series with more usable dates than this is resampled to as many regular steps.
LONGEST_SERIES = 24
# From this many steps on, statistics over time mean something.
SHORTEST_SUMMARY = 3
TEXTURE_RADII = (1, 3)
BORROW_RADIUS = 3
# The widest halo that a recipe can ask for: a texture of cells that themselves borrow.
HALO = BORROW_RADIUS + max(TEXTURE_RADII)
# With few series each one is measured more closely; with many, the cost would outgrow the gain.
FEW_SERIES = 3
SURVEY_SIZE, SURVEY_WHOLE = 256, 640
# Medians of so many cells are as good as those of all.
SURVEY_CELLS = 40_000

_BLUE, _GREEN, _RED = ("B02", "B2", "BLUE"), ("B03", "B3", "GREEN"), ("B04", "B4", "RED")
_RED_EDGE, _NIR = ("B05", "B5", "RE1", "REDEDGE1"), ("B08", "B8", "B8A", "NIR")
_SWIR_1, _SWIR_2 = ("B11", "SWIR1", "SWIR16", "SWIR_1"), ("B12", "SWIR2", "SWIR22", "SWIR_2")
# Normalised differences (first - second) / (first + second) of Sentinel-2 names and common aliases.
INDICES = {
    "NDVI": (_NIR, _RED),
    "NDWI": (_GREEN, _NIR),
    "NDMI": (_NIR, _SWIR_1),
    "NBR": (_NIR, _SWIR_2),
    "NDRE": (_NIR, _RED_EDGE),
    "NGRDI": (_GREEN, _RED),
}


@dataclass(frozen=True)
class SeriesRecipe:
    """One input series: `targets` are the days of its steps, (0,) for a predictor without date."""

    name: str
    is_dated: bool
    targets: tuple[float, ...]


@dataclass(frozen=True)
class IndexRecipe:
    """A normalised difference of two input series with the same steps."""

    name: str
    first: str
    second: str


@dataclass(frozen=True)
class Feature:
    """One column of the design matrix.

    `source` is a step number ("0", "1", ...) or a statistic over time; with a radius above 0, `measure`
    ("mean" or "deviation") is taken over the square of that half side.
    """

    series: str
    source: str
    radius: int = 0
    measure: str = ""

    @property
    def label(self) -> str:
        """A short name, as B08.median or NDVI.3.deviation7x7."""
        around = f".{self.measure}{2 * self.radius + 1}x{2 * self.radius + 1}" if self.radius else ""
        return f"{self.series}.{self.source}{around}"


@dataclass(frozen=True)
class Recipe:
    """Everything needed to compute the same features from another stack with the same series.

    A cell without any value in a series takes the mean of its neighbours where the recipe `borrows`, else the
    scene's usual value.
    """

    series: tuple[SeriesRecipe, ...]
    indices: tuple[IndexRecipe, ...]
    features: tuple[Feature, ...]
    borrows: bool = True

    @property
    def halo(self) -> int:
        """Cells around a window that its features look at."""
        widest = max((feature.radius for feature in self.features), default=0)
        return widest + (BORROW_RADIUS if self.borrows else 0)

    @property
    def is_plain(self) -> bool:
        """Whether every feature is a step of an input series, so that a cell needs nothing but its own values."""
        names = {one.name for one in self.series}
        steps = all(f.series in names and f.source.isdigit() and not f.radius for f in self.features)
        return steps and not self.borrows

    def keeping(self, places: Sequence[int] | NDArray[np.intp]) -> "Recipe":
        """The recipe of the features at these places; series and indices that none of them needs are dropped."""
        features = tuple(self.features[place] for place in places)
        named = {feature.series for feature in features}
        indices = tuple(index for index in self.indices if index.name in named)
        named |= {name for index in indices for name in (index.first, index.second)}
        return Recipe(tuple(one for one in self.series if one.name in named), indices, features, self.borrows)

    def as_json(self) -> dict[str, Any]:
        """Plain lists and texts."""
        return {
            "series": [[s.name, s.is_dated, list(s.targets)] for s in self.series],
            "indices": [[i.name, i.first, i.second] for i in self.indices],
            "features": [[f.series, f.source, f.radius, f.measure] for f in self.features],
            "borrows": self.borrows,
        }

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> "Recipe":
        """The inverse of `as_json`."""
        return cls(
            tuple(SeriesRecipe(name, dated, tuple(targets)) for name, dated, targets in table["series"]),
            tuple(IndexRecipe(*row) for row in table["indices"]),
            tuple(Feature(*row) for row in table["features"]),
            bool(table["borrows"]),
        )


@dataclass(frozen=True)
class Survey:
    """What some windows say of a series: its usable bands and the scene's usual curve."""

    usable: NDArray[np.intp]
    days: NDArray[np.float32]
    usual: NDArray[np.float32]


def survey_stack(stack: Stack) -> dict[str, Survey]:
    """Look at five windows of a large stack, or all of a small one, for empty bands and the median of each band.

    Args:
        stack: the stack.

    Returns:
        By name of series; series without any value are left out.

    Raises:
        StackError: the windows hold no data at all.
    """
    windows = _survey_windows(stack)
    sparse = 1 + sum(int(window.width * window.height) for window in windows) // SURVEY_CELLS
    found: list[list[list[NDArray[np.float32]]]] = [[[] for _ in series.bands] for series in stack.series]
    with StackReader(stack, cache_bytes=SMALL_CACHE_BYTES) as reader:
        for window in windows:
            for bands, values in zip(found, reader.read(window), strict=True):
                for band, plane in zip(bands, values, strict=True):
                    band.append(_some_valid(plane.reshape(-1), sparse))
    surveys: dict[str, Survey] = {}
    for series, bands in zip(stack.series, found, strict=True):
        medians = np.array([_median(band) for band in bands], np.float32)
        usable = np.flatnonzero(~np.isnan(medians))
        if usable.size:
            surveys[series.name] = Survey(usable, stack.days(series)[usable].astype(np.float32), medians[usable])
    if not surveys:
        raise StackError(f"{stack.paths[0]}: no data found in the stack; check its nodata value.")
    return surveys


def draw_recipe(stack: Stack, surveys: dict[str, Survey]) -> Recipe:
    """Choose the steps, indices and features that a stack allows.

    Args:
        stack: the stack to learn from.
        surveys: as `survey_stack` returns them.

    Returns:
        The recipe with every feature the accurate mode uses.
    """
    series = _series(stack, surveys)
    indices = _indices(series)
    steps = {one.name: len(one.targets) for one in series} | {
        index.name: len(_named(series, index.first).targets) for index in indices
    }
    textured = [one.name for one in series if one.is_dated] or [one.name for one in series]
    textured += [index.name for index in indices]
    features: list[Feature] = []
    for name, count in steps.items():
        features += [Feature(name, str(step)) for step in range(count)]
        if count >= SHORTEST_SUMMARY:
            features += [Feature(name, statistic) for statistic in STATISTICS]
        if name in textured:
            features += _textures(name, count, is_close=len(steps) <= FEW_SERIES)
    return Recipe(series, indices, tuple(features))


def draw_plain_recipe(stack: Stack, surveys: dict[str, Survey]) -> Recipe:
    """Choose the steps of every series and nothing else: what a network reads straight from the file.

    Args:
        stack: the stack to learn from.
        surveys: as `survey_stack` returns them.

    Returns:
        A recipe without halo.
    """
    series = _series(stack, surveys)
    features = tuple(Feature(one.name, str(step)) for one in series for step in range(len(one.targets)))
    return Recipe(series, (), features, borrows=False)


def _series(stack: Stack, surveys: dict[str, Survey]) -> tuple[SeriesRecipe, ...]:
    return tuple(
        SeriesRecipe(one.name, one.is_dated, _targets(surveys[one.name])) for one in stack.series if one.name in surveys
    )


def _some_valid(plane: NDArray[np.float32], sparse: int) -> NDArray[np.float32]:
    """Valid values of every so many cells; of all cells where these have none."""
    some = plane[::sparse]
    some = some[~np.isnan(some)]
    return some if some.size else plane[~np.isnan(plane)]


def _median(parts: Sequence[NDArray[np.float32]]) -> float:
    values = np.concatenate(parts)
    return float(np.median(values)) if values.size else np.nan


def _survey_windows(stack: Stack) -> list[Window]:
    grid = stack.grid
    if max(grid.width, grid.height) <= SURVEY_WHOLE:
        return [Window(0, 0, grid.width, grid.height)]
    middles = [(row, column) for row in (1, 5) for column in (1, 5)] + [(3, 3)]
    corners = [(_corner(grid.height, row / 6), _corner(grid.width, column / 6)) for row, column in middles]
    return [
        Window(column, row, min(SURVEY_SIZE, grid.width - column), min(SURVEY_SIZE, grid.height - row))
        for row, column in corners
    ]


def _corner(size: int, share: float) -> int:
    """Where a survey window starts: at a multiple of its side, so that it lies within one tile of a file."""
    return max(0, int(size * share - SURVEY_SIZE / 2) // SURVEY_SIZE * SURVEY_SIZE)


def _targets(survey: Survey) -> tuple[float, ...]:
    days = survey.days
    if days.size <= LONGEST_SERIES:
        return tuple(float(day) for day in days)
    return tuple(float(day) for day in np.rint(np.linspace(days[0], days[-1], LONGEST_SERIES)))


def _indices(series: Sequence[SeriesRecipe]) -> tuple[IndexRecipe, ...]:
    by_name = {one.name.upper(): one for one in series}
    indices = []
    for name, (first_names, second_names) in INDICES.items():
        first = next((by_name[alias] for alias in first_names if alias in by_name), None)
        second = next((by_name[alias] for alias in second_names if alias in by_name), None)
        if first and second and name not in by_name and first.targets == second.targets:
            indices.append(IndexRecipe(name, first.name, second.name))
    return tuple(indices)


def _textures(name: str, steps: int, *, is_close: bool) -> list[Feature]:
    sources = [str(step) for step in range(steps)]
    if steps >= SHORTEST_SUMMARY:
        sources = ["mean", "deviation", "minimum", "maximum"] if is_close else ["mean", "deviation"]
    return [
        Feature(name, source, radius, measure)
        for source in sources
        for radius in TEXTURE_RADII
        for measure in ("mean", "deviation")
    ]


def _named(series: Sequence[SeriesRecipe], name: str) -> SeriesRecipe:
    return next(one for one in series if one.name == name)


def series_by_name(stack: Stack) -> dict[str, tuple[int, Series]]:
    """Place and series of each name of a stack."""
    return {series.name: (place, series) for place, series in enumerate(stack.series)}
