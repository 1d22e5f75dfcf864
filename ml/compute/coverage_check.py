"""Whether polygons are a coverage: none overlaps another, and neighbours share their border vertex for vertex."""

import numpy as np
import shapely
from numpy.typing import NDArray

from ml.compute.coverage_faces import shared_borders

# Metres of border that two neighbours have together, beyond the sides that are the same in both: rounding of lengths.
LENGTH_TOLERANCE = 1e-6
INTERIORS_APART = "F********"


def is_coverage(outlines: NDArray[np.object_]) -> bool:
    """Whether polygons are a coverage; gaps count for nothing, a polygon that is invalid by itself neither.

    Args:
        outlines: (n,) polygons, in metres.
    """
    return bool(shapely.coverage_is_valid(outlines)) or not mismatched(outlines).size


def mismatched(outlines: NDArray[np.object_]) -> NDArray[np.intp]:
    """Places of the polygons that do not match a neighbour.

    GEOS's validator judges first. It also blames sound neighbours of a polygon whose hole touches its outer ring
    in a corner that they share (seen in GEOS 3.14), so what it blames is looked at again, pair by pair.

    Args:
        outlines: (n,) polygons, in metres.

    Returns:
        Places, ascending.
    """
    edges = np.asarray(shapely.coverage_invalid_edges(outlines))
    blamed = np.flatnonzero(~(shapely.is_missing(edges) | shapely.is_empty(edges)))
    if not blamed.size:
        return blamed
    # What touches a blamed edge, not all that touches its polygon: a wide forest has thousands of neighbours.
    place, other = shapely.STRtree(outlines).query(edges[blamed], predicate="intersects")
    first, second = blamed[place], other
    apart = first != second
    first, second = first[apart], second[apart]
    one, two = outlines[first], outlines[second]
    overlaps = ~shapely.relate_pattern(one, two, INTERIORS_APART)
    touching = shapely.intersection(shapely.boundary(one), shapely.boundary(two))
    is_noded = shapely.length(touching) <= _shared(outlines, first, second) + LENGTH_TOLERANCE
    wrong = overlaps | ~is_noded | _has_loose_corner(touching, one, two)
    return np.unique(np.concatenate([first[wrong], second[wrong]]))


def _has_loose_corner(
    touching: NDArray[np.object_], one: NDArray[np.object_], two: NDArray[np.object_]
) -> NDArray[np.bool_]:
    """Whether a corner of one polygon lies on a side of the other that has no vertex there."""
    parts, pair = shapely.get_parts(touching, return_index=True)
    is_point = shapely.get_dimensions(parts) == 0
    loose = np.zeros(touching.size, bool)
    for point, place in zip(parts[is_point], pair[is_point], strict=True):
        corners = (shapely.get_coordinates(shape[place]) for shape in (one, two))
        spot = shapely.get_coordinates(point)[0]
        loose[place] |= not all((known == spot).all(axis=1).any() for known in corners)
    return loose


def _shared(outlines: NDArray[np.object_], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.float64]:
    """Metres of sides that each pair has vertex for vertex."""
    known = np.unique(np.concatenate([first, second]))
    borders = shared_borders(outlines[known])
    count = np.intp(outlines.size)
    keys = known[borders.first] * count + known[borders.second]
    asked = np.minimum(first, second) * count + np.maximum(first, second)
    order = np.argsort(keys)
    spot = np.searchsorted(keys[order], asked)
    found = np.append(keys[order], -1)[spot] == asked
    return np.where(found, np.append(borders.length[order], 0.0)[spot], 0.0)
