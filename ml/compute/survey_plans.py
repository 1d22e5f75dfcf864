"""Where to survey next: the story behind the command `where-to-survey`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from scipy.spatial import cKDTree

from ml.compute.classmaps import class_codes
from ml.compute.cross_validation import few_of_each
from ml.compute.errors import SampleError
from ml.compute.extraction import extract_features
from ml.compute.features import bind_recipe
from ml.compute.grids import require_same_grid
from ml.compute.map_products import MapProducts
from ml.compute.novelty import MOST_CELLS, KnownGround
from ml.compute.recipes import draw_recipe, survey_stack
from ml.compute.samples import BLOCK_CELLS, Cells, blocks_of, cells_of_samples, learning_cells, training_rows
from ml.compute.stacks import open_stack
from ml.compute.survey_places import (
    Candidates,
    SurveyPlan,
    choose_places,
    find_candidates,
    places_table,
    rarity_of,
)
from ml.compute.vectors import in_crs


def plan_survey(
    products: MapProducts,
    samples: gpd.GeoDataFrame,
    plan: SurveyPlan,
    *,
    field: str = "code",
    stack_paths: Sequence[Path] = (),
) -> gpd.GeoDataFrame:
    """Propose places from a published map and the samples that train; nothing else is read.

    Ground of blocks that choose models is left out: a relevé there would not train. So are places nearer than the
    distance asked for to a training sample.

    Args:
        products: the map.
        samples: as `read_sample_file` returns them.
        plan: how many places, how far apart.
        field: column of the codes.
        stack_paths: the stack that was mapped, for novelty; empty to leave novelty out.

    Returns:
        The table of `places_table`, best first.

    Raises:
        ComputeError: the samples, the stack or the map cannot be used, or no place is left.
    """
    samples = in_crs(samples, CRS.from_user_input(products.grid.crs))
    block_m = BLOCK_CELLS * products.grid.cell_width
    training = samples[training_rows(samples, block_m)].reset_index(drop=True)
    counts = Counter(training[field].astype(str))
    rarity = rarity_of(class_codes(products.classes.path), counts)
    candidates = find_candidates(products, rarity, plan)
    points = _points(candidates.places, products)
    is_open = _is_open(points, samples, training, products, plan)
    candidates, points = candidates.at(is_open), points[is_open]
    if not candidates.places.size:
        raise SampleError(
            f"{products.classes.path}: no mapped cell lies {plan.distance_m:g} m from the samples and off the blocks "
            "that choose models; ask for a smaller distance."
        )
    novelty = _novelty(stack_paths, products, training, candidates, plan) if stack_paths else None
    chosen = choose_places(candidates, points, np.zeros(len(points)) if novelty is None else novelty, plan)
    return places_table(candidates, chosen, points, novelty, rarity, products)


def _points(places: NDArray[np.int64], products: MapProducts) -> NDArray[np.float64]:
    """(places, 2) x and y of the middle of cells."""
    rows, columns = np.divmod(places, products.grid.width)
    transform: Affine = products.grid.transform
    x, y = transform.c + (columns + 0.5) * transform.a, transform.f + (rows + 0.5) * transform.e
    return np.column_stack([x, y])


def _is_open(
    points: NDArray[np.float64],
    samples: gpd.GeoDataFrame,
    training: gpd.GeoDataFrame,
    products: MapProducts,
    plan: SurveyPlan,
) -> NDArray[np.bool_]:
    """(points,) far enough from training samples, and where a new sample would train."""
    block_m = BLOCK_CELLS * products.grid.cell_width
    asked = gpd.GeoDataFrame({"split": ""}, index=range(len(points)), geometry=gpd.points_from_xy(*points.T))
    tests = samples.loc[(samples["split"] == "test").to_numpy(), ["split", "geometry"]]
    together = gpd.GeoDataFrame(
        {"split": [*tests["split"], *asked["split"]]}, geometry=[*tests.geometry, *asked.geometry]
    )
    is_open = training_rows(together, block_m)[len(tests) :]
    cells = cells_of_samples(training, products.grid)
    taken = _points(cells.places(products.grid.width).astype(np.int64), products)
    if len(taken):
        is_open &= cKDTree(taken).query(points)[0] >= plan.distance_m
    return is_open


def _novelty(
    stack_paths: Sequence[Path],
    products: MapProducts,
    training: gpd.GeoDataFrame,
    candidates: Candidates,
    plan: SurveyPlan,
) -> NDArray[np.float64]:
    """(candidates,) distance to what was learned, in the features that the stack allows."""
    stack = open_stack(stack_paths)
    require_same_grid(products.classes.path, products.grid, stack.paths[0], stack.grid)
    cells = _thinned(learning_cells(training, stack.grid), plan.seed)
    places = np.concatenate([cells.places(stack.grid.width), candidates.places]).astype(np.intp)
    surveys = survey_stack(stack)
    recipe = draw_recipe(stack, surveys)
    found = extract_features(stack, recipe, bind_recipe(recipe, stack, surveys), places)
    count = cells.samples.size
    blocks = np.unique(blocks_of(training, BLOCK_CELLS * stack.grid.cell_width), axis=0, return_inverse=True)[1]
    seen = found.seen[:count]
    if not seen.any():
        raise SampleError(f"{stack.paths[0].parent}: no training sample lies on cells with data; check both years.")
    known = KnownGround.of_cells(found.values[:count][seen], blocks.reshape(-1)[cells.samples][seen], seed=plan.seed)
    return known.novelty(found.values[count:])


def _thinned(cells: Cells, seed: int) -> Cells:
    kept = np.zeros(cells.samples.size, bool)
    kept[few_of_each(cells.samples, most=MOST_CELLS, seed=seed)] = True
    return cells.where(kept)
