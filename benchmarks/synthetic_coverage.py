"""A synthetic coverage of polygons in its own database: neighbours share their edges, which wander like real ones."""

from collections.abc import Iterator

import numpy as np
import shapely
from pyproj import Transformer

HABITATS = 24


def coverage(
    *,
    columns: int,
    rows: int,
    cell_m: float,
    origin: tuple[float, float],
    edge_points: int = 12,
    seed: int = 0,
) -> np.ndarray:
    """Polygons that share wandering edges.

    Args:
        columns: polygons from west to east.
        rows: polygons from south to north.
        cell_m: mean side of a polygon, in metres.
        origin: south-west corner in EPSG:2154.
        edge_points: segments of the edge between two corners.
        seed: of the random wandering.

    Returns:
        Array of `rows * columns` shapely polygons in EPSG:2154, about `4 * edge_points` vertices each.
    """
    rng = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1)), axis=-1) * cell_m
    corners = corners + rng.uniform(-0.25, 0.25, corners.shape) * cell_m + np.asarray(origin)
    across = _wander(corners[:, :-1], corners[:, 1:], rng, cell_m, edge_points)
    up = _wander(corners[:-1], corners[1:], rng, cell_m, edge_points)
    south, north = across[:-1], across[1:, :, ::-1]
    west, east = up[:, :-1, ::-1], up[:, 1:]
    rings = np.concatenate([south[:, :, :-1], east[:, :, :-1], north[:, :, :-1], west], axis=2)
    flat = rings.reshape(rows * columns, -1, 2)
    return shapely.polygons(shapely.linearrings(flat))


def _wander(
    start: np.ndarray, end: np.ndarray, rng: np.random.Generator, cell_m: float, edge_points: int
) -> np.ndarray:
    """Points along each edge, pushed aside; both neighbours read the same ones."""
    along = np.linspace(0, 1, edge_points + 1)[:, None]
    points = start[..., None, :] * (1 - along) + end[..., None, :] * along
    points[..., 1:-1, :] += rng.uniform(-0.04, 0.04, (*start.shape[:-1], edge_points - 1, 2)) * cell_m
    return points


def polygon_rows(polygons: np.ndarray, *, vintage: int, habitats: list[int], seed: int = 0) -> Iterator[tuple]:
    """Rows for `habitats.actions.load_polygons`, in a random but repeatable legend."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(habitats), size=len(polygons))
    confidences = rng.integers(30, 100, len(polygons))
    in_degrees = _hexadecimal(polygons, 4326)
    in_mercator = _hexadecimal(polygons, 3857)
    areas = shapely.area(polygons)
    for number, (habitat, confidence, area) in enumerate(zip(chosen, confidences, areas, strict=True)):
        facts = (vintage, number + 1, habitats[habitat], int(confidence), None, 0, None, 0, float(area), 1)
        yield (*facts, in_degrees[number], in_mercator[number])


def _hexadecimal(polygons: np.ndarray, epsg: int) -> np.ndarray:
    project = Transformer.from_crs(2154, epsg, always_xy=True).transform
    moved = shapely.transform(polygons, lambda points: np.column_stack(project(points[:, 0], points[:, 1])))
    return shapely.to_wkb(shapely.set_srid(moved, epsg), hex=True, include_srid=True)
