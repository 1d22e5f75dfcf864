"""The faces that drawn outlines cut a coverage into, noded once: both sides of every border share their vertices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

# Faces thinner than what the arithmetic can tell apart (m²): they follow the face they share most border with.
TINY_M2 = 1e-3
# A point put on a side is off it by the rounding of its coordinates: far less than this share of the snapping distance.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Borders:
    """Pairs of shapes that share border: places of both, and metres shared."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    length: NDArray[np.float64]


@dataclass(frozen=True)
class Faces:
    """A coverage cut by outlines.

    Attributes:
        shapes: (faces,) polygons.
        parents: (faces,) place of the polygon that each face is a part of.
        paints: (faces,) place of the outline that holds each face, the last one where several do, -1 for none.
        borders: which faces share border.
    """

    shapes: NDArray[np.object_]
    parents: NDArray[np.intp]
    paints: NDArray[np.intp]
    borders: Borders


def cut_faces(polygons: NDArray[np.object_], outlines: Sequence[BaseGeometry], *, snap_m: float) -> Faces:
    """Cut a coverage along outlines.

    Args:
        polygons: (n,) a valid coverage, in metres.
        outlines: polygons or multipolygons; their parts outside the coverage count for nothing.
        snap_m: vertices of outlines nearer than this to a vertex or a side of the coverage move onto it.

    Returns:
        The faces; a polygon that no outline reaches is one face, as it was.
    """
    reach = shapely.union_all(np.array([shapely.box(*outline.bounds) for outline in outlines])).buffer(2 * snap_m)
    reached = shapely.intersects(polygons, reach)
    sides = _sides_of(polygons[reached])
    snapped = [_snapped(outline, sides, snap_m) for outline in outlines]
    corners = shapely.get_coordinates(np.array(snapped, object))
    lines = _with_corners(sides, corners, snap_m)
    # Sides are noded already, but for those of a polygon that crosses itself.
    crosses_itself = not shapely.is_valid(polygons[reached]).all()
    shapes = _polygonised(lines, snapped, node_all=crosses_itself)
    parents, paints = _owners(shapes, polygons[reached], snapped)
    shapes, parents, paints = _without_strays(shapes, np.flatnonzero(reached), parents, paints)
    away = np.flatnonzero(~reached)
    shapes = np.concatenate([shapes, polygons[away]])
    parents = np.concatenate([parents, away])
    paints = np.concatenate([paints, np.full(away.size, -1, np.intp)])
    return Faces(shapes, parents, paints, shared_borders(shapes))


def shared_borders(polygons: NDArray[np.object_]) -> Borders:
    """Which polygons of a coverage share border, and how much of it: sides that two of them have vertex for vertex."""
    ends, owners = _directed_sides(polygons)
    order = np.lexsort(ends.T[::-1])
    twin = (ends[order[1:]] == ends[order[:-1]]).all(axis=1)
    one, other = owners[order[:-1][twin]], owners[order[1:][twin]]
    lengths = np.hypot(*(ends[order[:-1][twin], :2] - ends[order[:-1][twin], 2:]).T)
    pairs = np.minimum(one, other) * np.intp(polygons.size) + np.maximum(one, other)
    known, place = np.unique(pairs, return_inverse=True)
    first, second = np.divmod(known, np.intp(polygons.size))
    summed = np.bincount(place, lengths, minlength=known.size).astype(np.float64)
    return Borders(first, second, summed)


def _directed_sides(polygons: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """(sides, 4) both ends of each side, the western one first, and the place of its polygon."""
    rings, owners = shapely.get_rings(polygons, return_index=True)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    inner = ring_of[1:] == ring_of[:-1]
    starts, ends = points[:-1][inner], points[1:][inner]
    turned = (starts[:, 0] > ends[:, 0]) | ((starts[:, 0] == ends[:, 0]) & (starts[:, 1] > ends[:, 1]))
    both = np.hstack([starts, ends])
    both[turned] = np.hstack([ends[turned], starts[turned]])
    return both, owners[ring_of[:-1][inner]]


def _sides_of(polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    """(sides, 4) each side of a coverage once."""
    return np.unique(_directed_sides(polygons)[0], axis=0)


def _snapped(outline: BaseGeometry, sides: NDArray[np.float64], snap_m: float) -> BaseGeometry:
    """The outline with its vertices on those of the coverage, or on its sides, where these are within reach."""
    corners = np.unique(sides.reshape(-1, 2), axis=0)
    near = corners[_within(corners, outline.bounds, snap_m)]
    if near.size:
        outline = _areal(shapely.snap(np.array([outline], object), shapely.multipoints(near), snap_m)[0])
    close = sides[_near_box(sides, outline.bounds, snap_m)]
    if not close.size or outline.is_empty:
        return outline
    lines = _lines(close)
    tree = shapely.STRtree(lines)

    def onto_sides(points: NDArray[np.float64]) -> NDArray[np.float64]:
        places = np.asarray(shapely.points(points))
        vertex, line = tree.query_nearest(places, max_distance=snap_m, all_matches=False)
        moved = points.copy()
        along = shapely.line_locate_point(lines[line], places[vertex])
        moved[vertex] = shapely.get_coordinates(shapely.line_interpolate_point(lines[line], along))
        margin = snap_m * ROUNDING
        at_end = np.logical_or(along <= margin, along >= shapely.length(lines[line]) - margin)
        moved[vertex[at_end]] = _nearest_ends(close[line[at_end]], points[vertex[at_end]])
        return moved

    return _areal(shapely.transform(outline, onto_sides))


def _lines(sides: NDArray[np.float64]) -> NDArray[np.object_]:
    return np.asarray(shapely.linestrings(sides.reshape(-1, 2, 2)), object)


def _nearest_ends(sides: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The end of each side that is nearer to its point, to the last bit."""
    to_first = np.hypot(*(sides[:, :2] - points).T) <= np.hypot(*(sides[:, 2:] - points).T)
    return np.where(to_first[:, None], sides[:, :2], sides[:, 2:])


def _areal(shape: BaseGeometry) -> BaseGeometry:
    """The polygons of a shape, made valid."""
    if not shape.is_valid:
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shape)
    return shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])


def _with_corners(sides: NDArray[np.float64], corners: NDArray[np.float64], snap_m: float) -> NDArray[np.object_]:
    """The sides as lines, with a vertex wherever a corner of an outline was moved onto one of them."""
    lines = _lines(sides)
    if not corners.size:
        return lines
    points = np.asarray(shapely.points(np.unique(corners, axis=0)))
    vertex, line = shapely.STRtree(lines).query(points, predicate="dwithin", distance=snap_m * ROUNDING)
    for place in np.unique(line):
        on_it = points[vertex[line == place]]
        along = shapely.line_locate_point(lines[place], on_it)
        inner = np.logical_and(along > snap_m * ROUNDING, along < lines[place].length - snap_m * ROUNDING)
        between = shapely.get_coordinates(on_it[inner][np.argsort(np.asarray(along)[inner])])
        lines[place] = shapely.linestrings(np.vstack([sides[place, :2], between, sides[place, 2:]]))
    return lines


def _polygonised(
    lines: NDArray[np.object_], outlines: Sequence[BaseGeometry], *, node_all: bool
) -> NDArray[np.object_]:
    """All the faces between the lines and the outlines, noded; unless asked, lines away from them stay as they are."""
    drawn = shapely.boundary(np.array(outlines, object))
    drawn = drawn[~shapely.is_empty(drawn)]
    near = np.full(lines.size, node_all)
    for outline in drawn:
        near |= shapely.intersects(lines, shapely.box(*outline.bounds))
    noded = shapely.union_all(np.concatenate([lines[near], drawn]))
    faces = shapely.polygonize(np.concatenate([lines[~near], shapely.get_parts(noded)]))
    return np.asarray(shapely.get_parts(faces))


def _owners(
    faces: NDArray[np.object_], polygons: NDArray[np.object_], outlines: Sequence[BaseGeometry]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The polygon and the outline that hold each face; -1 for none."""
    inside = shapely.point_on_surface(faces)
    parents, paints = np.full(faces.size, -1, np.intp), np.full(faces.size, -1, np.intp)
    sound = np.where(shapely.is_valid(polygons), polygons, shapely.make_valid(polygons))
    face, polygon = shapely.STRtree(sound).query(inside, predicate="intersects")
    parents[face] = polygon
    for place, outline in enumerate(outlines):
        shapely.prepare(outline)
        paints[shapely.intersects(outline, inside)] = place
    return parents, paints


def _without_strays(
    shapes: NDArray[np.object_], reached: NDArray[np.intp], parents: NDArray[np.intp], paints: NDArray[np.intp]
) -> tuple[NDArray[np.object_], NDArray[np.intp], NDArray[np.intp]]:
    """Drop the faces outside the coverage; a face too thin for its inner point to be trusted follows a neighbour."""
    stray = np.flatnonzero((parents < 0) & (shapely.area(shapes) < TINY_M2))
    if stray.size:
        borders = shared_borders(shapes)
        for face in stray:
            beside = np.where(borders.first == face, borders.second, borders.first)
            mine = ((borders.first == face) | (borders.second == face)) & (parents[beside] >= 0)
            if mine.any():
                guide = beside[np.flatnonzero(mine)[np.argmax(borders.length[mine])]]
                parents[face], paints[face] = parents[guide], paints[guide]
    held = parents >= 0
    return shapes[held], reached[parents[held]], paints[held]


def _within(points: NDArray[np.float64], bounds: tuple[float, ...], margin: float) -> NDArray[np.bool_]:
    west, south, east, north = bounds
    in_x = (points[:, 0] >= west - margin) & (points[:, 0] <= east + margin)
    return in_x & (points[:, 1] >= south - margin) & (points[:, 1] <= north + margin)


def _near_box(sides: NDArray[np.float64], bounds: tuple[float, ...], margin: float) -> NDArray[np.bool_]:
    west, south, east, north = bounds
    xs, ys = sides[:, [0, 2]], sides[:, [1, 3]]
    in_x = (xs.max(axis=1) >= west - margin) & (xs.min(axis=1) <= east + margin)
    return in_x & (ys.max(axis=1) >= south - margin) & (ys.min(axis=1) <= north + margin)
