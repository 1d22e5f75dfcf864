"""The features of a window, computed from a recipe; the same code serves training and mapping."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.compute.errors import StackError
from ml.compute.planes import (
    STATISTICS,
    borrow_from_neighbours,
    fill_series,
    local_texture,
    normalised_difference,
    quantise,
    summarise,
)
from ml.compute.recipes import BORROW_RADIUS, Feature, Recipe, Survey, series_by_name
from ml.compute.stacks import Stack

_LEVELS = 65533


@dataclass(frozen=True)
class SeriesSource:
    """Where a series of the recipe is found in a stack, and how its gaps are filled."""

    name: str
    place: int
    is_dated: bool
    usable: NDArray[np.intp]
    days: NDArray[np.float32]
    targets: NDArray[np.float32]
    usual: NDArray[np.float32]


@dataclass(frozen=True)
class Levels:
    """How features become int16: level = (value - low) / width, rounded; both (features,) float64."""

    low: NDArray[np.float64]
    width: NDArray[np.float64]

    def keeping(self, places: NDArray[np.intp]) -> "Levels":
        """The levels of the features at these places."""
        return Levels(self.low[places], self.width[places])

    @classmethod
    def spanning(cls, values: NDArray[np.float32]) -> "Levels":
        """Levels that span the values of (cells, features)."""
        low, high = values.min(axis=0).astype(float), values.max(axis=0).astype(float)
        return cls(low, np.where(high > low, (high - low) / _LEVELS, 1.0))

    def write(self, feature: int, plane: NDArray[np.float32], places: NDArray[np.intp], out: NDArray[np.int16]) -> None:
        """Write the levels of one feature at `places` of a plane into `out`."""
        quantise(plane, places, self.low[feature], 1 / self.width[feature], out)

    def of_cells(self, values: NDArray[np.float32]) -> NDArray[np.int16]:
        """The levels of (cells, features), in the same shape."""
        levels = np.empty(values.shape[::-1], np.int16)
        places = np.arange(len(values))
        for feature, column in enumerate(np.ascontiguousarray(values.T)):
            self.write(feature, column, places, levels[feature])
        return np.ascontiguousarray(levels.T)


def bind_recipe(recipe: Recipe, stack: Stack, surveys: dict[str, Survey]) -> tuple[SeriesSource, ...]:
    """Find the series of a recipe in a stack.

    Args:
        recipe: drawn from this stack or another.
        stack: the stack to compute from.
        surveys: of this stack.

    Returns:
        One source per input series of the recipe, in its order.

    Raises:
        StackError: the stack lacks a series, or has it only empty or undated.
    """
    places = series_by_name(stack)
    sources = []
    for series in recipe.series:
        place, found = places.get(series.name, (-1, None))
        if found is None or found.is_dated != series.is_dated:
            kind = f"DATE_{series.name}" if series.is_dated else series.name
            raise StackError(
                f"{stack.paths[0].parent}: the model needs the band {kind}, which the stack lacks; add it "
                "or train a model on this stack."
            )
        if series.name not in surveys:
            raise StackError(f"{found.bands[0].path}: no band {series.name} holds data; replace the file.")
        survey = surveys[series.name]
        targets = np.array(series.targets, np.float32)
        usual = np.interp(targets, survey.days, survey.usual).astype(np.float32)
        sources.append(SeriesSource(series.name, place, series.is_dated, survey.usable, survey.days, targets, usual))
    return tuple(sources)


def has_data(values: Sequence[NDArray[np.float32]], sources: Sequence[SeriesSource]) -> NDArray[np.bool_]:
    """Cells with at least one valid date in one series (with one valid predictor where nothing is dated).

    Args:
        values: per series of the stack, (bands, rows, columns), NaN for missing.
        sources: the series of the recipe.

    Returns:
        (rows, columns).
    """
    dated = [source for source in sources if source.is_dated] or list(sources)
    seen = np.zeros(values[0].shape[1:], bool)
    for source in dated:
        for plane in values[source.place]:
            seen |= ~np.isnan(plane)
    return seen


def feature_planes(
    values: Sequence[NDArray[np.float32]], recipe: Recipe, sources: Sequence[SeriesSource]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Compute the features of a window one after another.

    Args:
        values: per series of the stack, (bands, rows, columns) of physical values, NaN for missing.
        recipe: what to compute.
        sources: the recipe bound to the stack.

    Yields:
        Place of the feature in the recipe, and its plane (rows x columns,) without NaN.
    """
    shape = (int(values[0].shape[1]), int(values[0].shape[2]))
    wanted = features_by_series(recipe)
    needed = set(wanted) | {n for i in recipe.indices if i.name in wanted for n in (i.first, i.second)}
    radius = BORROW_RADIUS if recipe.borrows else 0
    filled = {s.name: filled_series(values[s.place], s, shape, radius) for s in sources if s.name in needed}
    for index in recipe.indices:
        if index.name in wanted:
            filled[index.name] = normalised_difference(filled[index.first], filled[index.second])
    for name, features in wanted.items():
        yield from _series_planes(filled[name], features, shape)


def features_by_series(recipe: Recipe) -> dict[str, list[tuple[int, Feature]]]:
    """The features of each series or index, with their places in the recipe."""
    wanted: dict[str, list[tuple[int, Feature]]] = {}
    for place, feature in enumerate(recipe.features):
        wanted.setdefault(feature.series, []).append((place, feature))
    return wanted


def filled_series(
    values: NDArray[np.float32], source: SeriesSource, shape: tuple[int, int], radius: int
) -> NDArray[np.float32]:
    """The steps of a series without gaps.

    Args:
        values: (bands, rows, columns) of the stack's series, NaN for missing.
        source: the series of the recipe.
        shape: rows and columns.
        radius: how far a cell without any value looks for neighbours; 0 for the scene's usual values.

    Returns:
        (steps, cells).
    """
    planes = values.reshape(len(values), -1)[source.usable]
    filled: NDArray[np.float32] = fill_series(planes, source.days, source.targets)
    borrow_from_neighbours(filled, shape, radius, source.usual)
    return filled


def _series_planes(
    filled: NDArray[np.float32], features: Sequence[tuple[int, Feature]], shape: tuple[int, int]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    summary = summarise(filled) if any(f.source in STATISTICS for _, f in features) else None
    textures: dict[tuple[str, int], NDArray[np.float32]] = {}
    for place, feature in features:
        if summary is not None and feature.source in STATISTICS:
            plane = summary[STATISTICS.index(feature.source)]
        else:
            plane = filled[int(feature.source)]
        if feature.radius:
            key = (feature.source, feature.radius)
            if key not in textures:
                textures[key] = local_texture(plane, shape, feature.radius)
            plane = textures[key][0 if feature.measure == "mean" else 1]
        yield place, plane
