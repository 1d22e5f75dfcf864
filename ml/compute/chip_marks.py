"""What is drawn on an image chip: the outline in question or a ring around its cell, and hatching over clouds."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely.geometry.base import BaseGeometry

from ml.compute.grids import Grid

# Yellow on a dark halo is seen on woods, fields, water and snow alike.
LINE, HALO = (255, 221, 64, 255), (20, 20, 20, 210)
LINE_PX, HALO_PX = 2, 4
# Marks are drawn larger and reduced: their edges are then smooth.
FINENESS = 3
RING_CELLS = 1.5
RING_PX = 7
HATCH_PX, HATCH_LINE_PX = 8, 2
HATCH_LIGHT, HATCH_DARK = 205, 165

Pixel = tuple[float, float]


def hatching(size_px: int) -> NDArray[np.uint8]:
    """(size, size) grey stripes for what no image shows."""
    diagonal = np.add.outer(np.arange(size_px), np.arange(size_px))
    return np.where(diagonal % HATCH_PX < HATCH_LINE_PX, HATCH_DARK, HATCH_LIGHT).astype(np.uint8)


def draw_marks(
    picture: Image.Image, grid: Grid, box: tuple[float, float, float, float], outline: BaseGeometry | None
) -> Image.Image:
    """Draw the outline, or without one a ring around the cell in the middle.

    Args:
        picture: a square RGB picture.
        grid: the cells of the stack.
        box: (left, top, right, bottom) of the picture in columns and rows of the grid.
        outline: shape in the CRS of the grid.

    Returns:
        The picture with the marks.
    """
    side = picture.width * FINENESS
    layer = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    lines = _lines_of(outline, grid, box, side) if outline is not None else [_ring(box, side)]
    for colour, width in ((HALO, HALO_PX), (LINE, LINE_PX)):
        for line in lines:
            pen.line(line, fill=colour, width=width * FINENESS, joint="curve")
    marks = layer.resize(picture.size, Image.Resampling.BOX)
    return Image.alpha_composite(picture.convert("RGBA"), marks).convert("RGB")


def _ring(box: tuple[float, float, float, float], side: int) -> list[Pixel]:
    """A circle around the middle, wide enough to leave its cell to be seen."""
    left, _top, right, _bottom = box
    radius = max(RING_CELLS * side / (right - left), RING_PX * FINENESS)
    angles = np.linspace(0, 2 * np.pi, 73)
    return [(side / 2 + radius * float(np.cos(a)), side / 2 + radius * float(np.sin(a))) for a in angles]


def _lines_of(
    outline: BaseGeometry, grid: Grid, box: tuple[float, float, float, float], side: int
) -> list[list[Pixel]]:
    """The rings of a shape in pixels of the picture."""
    left, top, right, bottom = box
    lines = []
    for coordinates in _rings_of(outline):
        cells = (~grid.transform @ (x, y) for x, y, *_height in coordinates)
        lines.append([((c - left) / (right - left) * side, (r - top) / (bottom - top) * side) for c, r in cells])
    return lines


def _rings_of(shape: BaseGeometry) -> Iterable[Sequence[tuple[float, ...]]]:
    parts = getattr(shape, "geoms", [shape])
    for part in parts:
        if part.geom_type == "Polygon":
            yield from (ring.coords for ring in (part.exterior, *part.interiors))
        elif part.geom_type == "LineString":
            yield part.coords
        elif part.geom_type != "Point":
            yield from _rings_of(part)
