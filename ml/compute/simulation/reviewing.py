"""Where a map of the simulated region is wrong, as somebody who knows the ground would see it.

Only the demonstration's invented people read this: nothing that trains or maps may know the truth.
"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import features

from ml.compute.classmaps import class_codes
from ml.compute.simulation.habitats import HABITATS
from ml.compute.simulation.options import random_stream

# Under so many cells nobody would take the trouble of a report.
SMALLEST_PATCH_CELLS = 12
# A polygon of which so much is another habitat is wrong as a whole; under half of it, a part is.
WHOLE_SHARE = 0.75
PART_SHARE = 0.5
CONFUSED_WITH = {habitat.code: habitat.confused_with for habitat in HABITATS}


def find_errors(truth_path: Path, polygons: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Polygons that are another habitat as a whole, and patches of another habitat inside polygons.

    Args:
        truth_path: truth_YEAR.tif, with its CLASSES tag.
        polygons: columns number, code, geometry (CRS of the raster); a coverage.

    Returns:
        Columns number, code, true_code, wrong_m2, whole and geometry (the polygon, or the patch drawn a little
        rounded), the largest error first; ties by number.
    """
    with rasterio.open(truth_path) as source:
        truth, transform, crs = source.read(1), source.transform, source.crs
    names = class_codes(truth_path)
    cell_m2 = abs(transform.a * transform.e)
    places = _rasterised(polygons, truth.shape, transform)
    numbers = {code: value for value, code in names.items()}
    mapped = np.array([0, *(numbers.get(code, 0) for code in polygons["code"])], np.int64)
    whole = _wrong_as_a_whole(polygons, places, truth, mapped)
    patches = _wrong_patches(polygons, places, truth, mapped, transform, set(whole["number"]))
    rows = pd.concat([whole, patches], ignore_index=True)
    rows["true_code"] = [names[value] for value in rows.pop("truth")]
    rows["wrong_m2"] = rows.pop("cells") * cell_m2
    rows = rows.sort_values(["wrong_m2", "number", "true_code"], ascending=[False, True, True], ignore_index=True)
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)


def _rasterised(polygons: gpd.GeoDataFrame, shape: tuple[int, int], transform: rasterio.Affine) -> NDArray[np.int32]:
    """Place of the polygon of each cell, from 1; 0 outside."""
    outlines = ((outline, place) for place, outline in enumerate(polygons.geometry, 1))
    return features.rasterize(outlines, out_shape=shape, transform=transform, fill=0, dtype="int32")


def _wrong_as_a_whole(
    polygons: gpd.GeoDataFrame, places: NDArray[np.int32], truth: NDArray[np.uint8], mapped: NDArray[np.int64]
) -> pd.DataFrame:
    values = int(truth.max()) + 1
    counts = np.bincount(
        places.ravel().astype(np.int64) * values + truth.ravel(), minlength=(len(polygons) + 1) * values
    ).reshape(-1, values)
    counts[:, 0] = 0
    total = counts.sum(axis=1)
    likeliest = counts.argmax(axis=1)
    cells = counts.max(axis=1)
    wrong = (likeliest != mapped) & (cells >= SMALLEST_PATCH_CELLS) & (cells >= WHOLE_SHARE * total)
    wrong[0] = False
    found = np.flatnonzero(wrong)
    return pd.DataFrame(
        {
            "number": polygons["number"].to_numpy()[found - 1],
            "code": polygons["code"].to_numpy()[found - 1],
            "truth": likeliest[found],
            "cells": cells[found],
            "whole": True,
            "geometry": polygons.geometry.to_numpy()[found - 1],
        }
    )


def _wrong_patches(
    polygons: gpd.GeoDataFrame,
    places: NDArray[np.int32],
    truth: NDArray[np.uint8],
    mapped: NDArray[np.int64],
    transform: rasterio.Affine,
    left_out: set[int],
) -> pd.DataFrame:
    """Patches of one other habitat inside one polygon, drawn as a hand would: without the steps of the cells."""
    side = abs(transform.a)
    wrong = (places > 0) & (truth > 0) & (mapped[places] != truth)
    pairs = np.where(wrong, places * np.int32(256) + truth, 0).astype(np.int32)
    smallest = SMALLEST_PATCH_CELLS * side**2
    rows = []
    for shape, pair in features.shapes(pairs, mask=wrong, connectivity=4, transform=transform):
        outline = shapely.geometry.shape(shape)
        place, value = divmod(int(pair), 256)
        number, polygon = int(polygons["number"].iloc[place - 1]), polygons.geometry.iloc[place - 1]
        if outline.area < smallest or number in left_out or outline.area > PART_SHARE * polygon.area:
            continue
        drawn = outline.buffer(-0.3 * side).buffer(0.3 * side).simplify(0.6 * side)
        if isinstance(drawn, shapely.Polygon) and drawn.is_valid and drawn.area >= smallest:
            cells = round(outline.area / side**2)
            code = polygons["code"].iloc[place - 1]
            rows.append((number, code, value, cells, False, shapely.Polygon(drawn.exterior)))
    return pd.DataFrame(rows, columns=["number", "code", "truth", "cells", "whole", "geometry"])


def draw_contestations(
    errors: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, *, count: int, error_rate: float, seed: int
) -> gpd.GeoDataFrame:
    """What reviewers report: mostly the largest errors, now and then a polygon that is right.

    Args:
        errors: of `find_errors`.
        polygons: the coverage.
        count: reports wanted.
        error_rate: share of the reports that are themselves wrong.
        seed: of the draw.

    Returns:
        Columns number, code, proposed, is_right, whole, geometry. At most one report a polygon.
    """
    rng = random_stream(seed, "contestations")
    once = errors.drop_duplicates("number").copy()
    mistaken = int(rng.binomial(count, error_rate))
    # People see large errors first, but not in order: half as many again are in sight.
    seen = once.head(round(1.5 * (count - mistaken)))
    kept = seen.iloc[np.sort(rng.permutation(len(seen))[: count - mistaken])]
    right = kept.assign(proposed=kept["true_code"], is_right=True)
    others = polygons[~polygons["number"].isin(errors["number"]) & (polygons["code"].map(CONFUSED_WITH).str.len() > 0)]
    large = others[others.geometry.area >= SMALLEST_PATCH_CELLS * 100]
    chosen = large.iloc[np.sort(rng.permutation(len(large))[:mistaken])]
    proposed = [CONFUSED_WITH[code][rng.integers(len(CONFUSED_WITH[code]))] for code in chosen["code"]]
    wrong = chosen.assign(proposed=proposed, is_right=False, whole=True)
    columns = ["number", "code", "proposed", "is_right", "whole", "geometry"]
    together = pd.concat([right[columns], wrong[columns]], ignore_index=True)
    order = rng.permutation(len(together))
    return gpd.GeoDataFrame(together.iloc[order].reset_index(drop=True), geometry="geometry", crs=polygons.crs)


def truth_of_points(truth_path: Path, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[str]:
    """The true habitat at places (CRS of the raster); empty where the raster has none."""
    names = class_codes(truth_path)
    with rasterio.open(truth_path) as source:
        values = [int(value[0]) for value in source.sample(zip(x, y, strict=True))]
    return [names.get(value, "") for value in values]


def mistake(code: str, rng: np.random.Generator) -> str:
    """A habitat that somebody tired could write instead; the same where none resembles it."""
    others = CONFUSED_WITH.get(code, ())
    return others[rng.integers(len(others))] if others else code


def agreement_with_truth(truth_path: Path, classes_path: Path) -> dict[str, float]:
    """How much of a class raster is right: share of cells, and macro-F1 over the true habitats.

    Args:
        truth_path: truth_YEAR.tif.
        classes_path: a class raster on the same grid, with a CLASSES tag.

    Returns:
        `overall` and `macro_f1`, 0 to 1.
    """
    truth, mapped = _as_codes(truth_path), _as_codes(classes_path)
    known = truth >= 0
    codes = np.unique(truth[known])
    scores = []
    for code in codes:
        is_true, is_mapped = truth == code, (mapped == code) & known
        hits = float((is_true & is_mapped).sum())
        scores.append(2 * hits / float(is_true.sum() + is_mapped.sum()))
    return {"overall": float((truth[known] == mapped[known]).mean()), "macro_f1": float(np.mean(scores))}


def _as_codes(path: Path) -> NDArray[np.int16]:
    """Place of each cell's code in HABITATS, -1 where there is none."""
    names = class_codes(path)
    order = {habitat.code: place for place, habitat in enumerate(HABITATS)}
    with rasterio.open(path) as source:
        values = source.read(1)
    table = np.full(int(values.max()) + 1, -1, np.int16)
    for value, code in names.items():
        if value < table.size:
            table[value] = order.get(code, -1)
    return table[values]
