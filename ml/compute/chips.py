"""Image chips: small pictures of one place, date by date, for people who look at the ground from above."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.errors import RasterioError
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from ml.compute.chip_marks import draw_marks, hatching
from ml.compute.compositions import Composition, compositions_of
from ml.compute.errors import StackError
from ml.compute.grids import Grid
from ml.compute.stacks import CACHE_BYTES, Band, Stack, open_stack

# Contrast is measured on a wider place than a small picture, so that an even one does not show its noise as relief.
CONTRAST_WIDENING = 3.0
CONTRAST_CELLS = 200
CONTRAST_PERCENTILES = (2.0, 98.0)
BLACKEST, WHITEST = 0, 255
# Snow and haze of one date darken all others under a common contrast: the middle greys are lifted.
GAMMA = 0.75
# Noise hardly compresses: a higher level costs twice the time for a few percent.
PNG_LEVEL = 3


@dataclass(frozen=True)
class Chip:
    """One picture of the place.

    Attributes:
        date: day of the image; None for predictors without a date.
        name: `true_colour`, `false_colour`, `three_bands` or `grey`.
        png: the file.
        bands: names of the bands in red, green and blue, or the one in grey.
        hidden_share: share of the picture without data (clouds, outside), 0-1.
    """

    date: date | None
    name: str
    png: bytes
    bands: tuple[str, ...]
    hidden_share: float


@dataclass(frozen=True)
class Frame:
    """A square of the ground and the picture it becomes: centre and half side in units of the CRS, side in pixels."""

    x: float
    y: float
    half_side_m: float
    size_px: int

    def box(self, grid: Grid, widening: float = 1.0) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) in fractional columns and rows of the grid."""
        half = self.half_side_m * widening
        left, top = ~grid.transform @ (self.x - half, self.y + half)
        right, bottom = ~grid.transform @ (self.x + half, self.y - half)
        return left, top, right, bottom


def render_chips(
    stack_paths: Sequence[Path],
    *,
    x: float,
    y: float,
    half_side_m: float,
    size_px: int,
    outline: BaseGeometry | None = None,
) -> list[Chip]:
    """Draw a place at each date of a stack, with one contrast for all dates.

    True colour and false colour (near infrared, red, green) where the stack has these bands; else its first three
    bands of an image, or one band in grey.

    Args:
        stack_paths: the rasters of one year.
        x: easting of the centre, in the stack's CRS.
        y: northing of the centre.
        half_side_m: half of the side of the square shown, in units of the CRS.
        size_px: side of the pictures.
        outline: a shape to draw, in the stack's CRS; None draws a ring around the cell of the centre.

    Returns:
        Pictures by date, oldest first; dates without any data there are left out.

    Raises:
        StackError: the stack is wrong, or the place lies outside it.
    """
    stack = open_stack(stack_paths)
    frame = Frame(x, y, half_side_m, size_px)
    window = _window(stack.grid, frame)
    chips: list[Chip] = []
    for composition in compositions_of(stack):
        values = _read(composition, window)  # (dates, bands, rows, columns)
        lows, highs = _contrast(values)
        for day, planes in zip(composition.days, values, strict=True):
            colours, hidden = _cut(_stretched(planes, lows, highs), np.isnan(planes).any(axis=0), stack, window, frame)
            if hidden.all():
                continue
            png = _png(colours, hidden, stack.grid, frame, outline)
            chips.append(Chip(day, composition.name, png, composition.band_names, float(hidden.mean())))
    return sorted(chips, key=lambda chip: chip.date or date.min)


def _window(grid: Grid, frame: Frame) -> Window:
    """The cells around the frame that give its contrast, cut at the edges of the grid."""
    widening = CONTRAST_CELLS * grid.cell_width / (2 * frame.half_side_m)
    left, top, right, bottom = frame.box(grid, min(max(widening, 1.0), CONTRAST_WIDENING))
    column, row = ~grid.transform @ (frame.x, frame.y)
    if not (0 <= column < grid.width and 0 <= row < grid.height):
        raise StackError(f"The place {frame.x:.0f}, {frame.y:.0f} lies outside the stack; ask for one inside.")
    first_column, first_row = max(0, int(left)), max(0, int(top))
    width = min(grid.width, int(np.ceil(right))) - first_column
    height = min(grid.height, int(np.ceil(bottom))) - first_row
    return Window(first_column, first_row, width, height)


def _read(composition: Composition, window: Window) -> NDArray[np.float32]:
    """Physical values (dates, bands, rows, columns), NaN where there is no data."""
    wanted = [band for bands in composition.bands_by_day for band in bands]
    planes: dict[Band, NDArray[np.float32]] = {}
    for path in {band.path: None for band in wanted}:
        here = list({band: None for band in wanted if band.path == path})
        try:
            with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), rasterio.open(path) as source:
                stored = source.read([band.index for band in here], window=window)
        except RasterioError as error:
            raise StackError(f"{path}: damaged near row {window.row_off}; copy the file again.") from error
        planes |= {band: _physical(plane, band) for band, plane in zip(here, stored, strict=True)}
    return np.stack([np.stack([planes[band] for band in bands]) for bands in composition.bands_by_day])


def _physical(plane: NDArray[np.generic], band: Band) -> NDArray[np.float32]:
    values = plane.astype(np.float32) * np.float32(band.scale) + np.float32(band.offset)
    if band.nodata is not None:
        values[plane == band.nodata] = np.nan
    return values


def _contrast(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Darkest and brightest value of each band over all dates, (bands, 1, 1) each."""
    ends = []
    for band in np.moveaxis(values, 1, 0):
        seen = band[np.isfinite(band)]
        low, high = np.percentile(seen, CONTRAST_PERCENTILES) if seen.size else (0.0, 1.0)
        ends.append((low, high if high > low else low + 1.0))
    lows, highs = np.array(ends, np.float32).T
    return lows[:, None, None], highs[:, None, None]


def _stretched(planes: NDArray[np.float32], lows: NDArray[np.float32], highs: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(rows, columns, 3) colours; a cell without data is middle grey, so that its neighbours fade into it evenly."""
    shares = np.nan_to_num((planes - lows) / (highs - lows), nan=0.5)
    colours = np.rint(np.clip(shares, 0, 1) ** GAMMA * WHITEST).astype(np.uint8)
    return np.moveaxis(colours if len(colours) == 3 else np.repeat(colours, 3, axis=0), 0, -1)


def _cut(
    colours: NDArray[np.uint8], hidden: NDArray[np.bool_], stack: Stack, window: Window, frame: Frame
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The frame's own square, enlarged to its pixels; what lies outside the stack is hidden."""
    left, top, right, bottom = frame.box(stack.grid)
    margin = max(1, *(int(np.ceil(max(0, over))) for over in _overhang(left, top, right, bottom, stack.grid)))
    padded = np.pad(colours, ((margin, margin), (margin, margin), (0, 0)), constant_values=WHITEST // 2)
    mask = np.pad(hidden, margin, constant_values=True)
    shift = (margin - window.col_off, margin - window.row_off)
    box = (left + shift[0], top + shift[1], right + shift[0], bottom + shift[1])
    size = (frame.size_px, frame.size_px)
    picture = Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC, box=box)
    covered = Image.fromarray(mask.astype(np.uint8) * WHITEST).resize(size, Image.Resampling.NEAREST, box=box)
    return np.asarray(picture), np.asarray(covered) > BLACKEST


def _overhang(left: float, top: float, right: float, bottom: float, grid: Grid) -> tuple[float, ...]:
    return -left, -top, right - grid.width, bottom - grid.height


def _png(
    colours: NDArray[np.uint8], hidden: NDArray[np.bool_], grid: Grid, frame: Frame, outline: BaseGeometry | None
) -> bytes:
    shown = np.where(hidden[..., None], hatching(frame.size_px)[..., None], colours).astype(np.uint8)
    picture = draw_marks(Image.fromarray(shown), grid, frame.box(grid), outline)
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=PNG_LEVEL)
    return file.getvalue()
