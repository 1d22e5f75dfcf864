"""Derivatives of a relief on a 3 x 3 square, and the position in a wider one."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Surface = NDArray[np.float32]
# Rise along x and y, second derivatives along x, across, along y, and the range of the square.
FIRST_X, FIRST_Y, SECOND_X, SECOND_XY, SECOND_Y, RANGE = range(6)
# Under this squared slope a direction means nothing, nor does a curvature along it.
_FLAT = 1e-10


@njit(cache=True, nogil=True)
def derive_surface(heights: Surface, cell_width: float, cell_height: float) -> NDArray[np.float32]:
    """Derivatives by Horn (first) and Evans (second), x towards the east and y towards the north.

    A missing neighbour is put on the straight line through the middle and its opposite, so that a plane keeps
    its slope up to its edge; where both are missing, at the height of the middle.

    Args:
        heights: (rows, columns) in metres, NaN where unknown; the outer ring is only read.
        cell_width: metres.
        cell_height: metres.

    Returns:
        float32 (6, rows - 2, columns - 2), NaN where the middle is unknown.
    """
    rows, columns = heights.shape
    derived = np.empty((6, rows - 2, columns - 2), np.float32)
    near = np.empty(9, np.float64)
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            middle = heights[row, column]
            if not np.isfinite(middle):
                derived[:, row - 1, column - 1] = np.nan
                continue
            for place in range(9):
                near[place] = heights[row - 1 + place // 3, column - 1 + place % 3]
            _complete(near)
            _derive(near, cell_width, cell_height, derived[:, row - 1, column - 1])
    return derived


@njit(cache=True, nogil=True)
def _complete(near: NDArray[np.float64]) -> None:
    """Put missing neighbours on the line, then missing corners without opposite on the plane of the sides."""
    middle = near[4]
    for place in (1, 3, 0, 2):
        first, second = near[place], near[8 - place]
        lacks_first, lacks_second = not np.isfinite(first), not np.isfinite(second)
        if lacks_first and lacks_second:
            near[place], near[8 - place] = middle, middle
            if place in (0, 2):
                near[place] = near[1] + near[3 + place] - middle
                near[8 - place] = near[7] + near[5 - place] - middle
        elif lacks_first:
            near[place] = 2 * middle - second
        elif lacks_second:
            near[8 - place] = 2 * middle - first


@njit(cache=True, nogil=True)
def _derive(z: NDArray[np.float64], width: float, height: float, out: NDArray[np.float32]) -> None:
    """Fill the six derivatives of one cell; `z` goes row by row from the north-west."""
    out[0] = ((z[2] + 2 * z[5] + z[8]) - (z[0] + 2 * z[3] + z[6])) / (8 * width)
    out[1] = ((z[0] + 2 * z[1] + z[2]) - (z[6] + 2 * z[7] + z[8])) / (8 * height)
    across = (z[0] - 2 * z[1] + z[2]) + (z[3] - 2 * z[4] + z[5]) + (z[6] - 2 * z[7] + z[8])
    along = (z[0] - 2 * z[3] + z[6]) + (z[1] - 2 * z[4] + z[7]) + (z[2] - 2 * z[5] + z[8])
    out[2] = across / (3 * width * width)
    out[3] = (z[2] + z[6] - z[0] - z[8]) / (4 * width * height)
    out[4] = along / (3 * height * height)
    lowest, highest = z[0], z[0]
    for place in range(1, 9):
        lowest, highest = min(lowest, z[place]), max(highest, z[place])
    out[5] = highest - lowest


def slope_degrees(derived: NDArray[np.float32]) -> Surface:
    """Steepest slope, 0-90 degrees."""
    return np.degrees(np.arctan(np.hypot(derived[FIRST_X], derived[FIRST_Y])))


def exposure(derived: NDArray[np.float32]) -> tuple[Surface, Surface]:
    """Northness and eastness: parts of the surface's normal, 1 on a cliff that faces there, 0 on the flat."""
    length = np.sqrt(1 + derived[FIRST_X] ** 2 + derived[FIRST_Y] ** 2)
    return -derived[FIRST_Y] / length, -derived[FIRST_X] / length


def curvatures(derived: NDArray[np.float32]) -> tuple[Surface, Surface, Surface]:
    """Mean curvature, and normal curvatures down the slope and along the contour; convex is positive.

    Args:
        derived: (6, rows, columns) as `derive_surface` returns it.

    Returns:
        In 1/m: half the sum of bends (-(zxx + zyy) / 2), profile, tangential; the last two 0 on the flat.
    """
    p, q = derived[FIRST_X].astype(np.float64), derived[FIRST_Y].astype(np.float64)
    r, s, t = (derived[place].astype(np.float64) for place in (SECOND_X, SECOND_XY, SECOND_Y))
    steepness = p * p + q * q
    flat = steepness < _FLAT
    below = np.where(flat, 1.0, steepness)
    profile = -(p * p * r + 2 * p * q * s + q * q * t) / (below * (1 + steepness) ** 1.5)
    tangential = -(q * q * r - 2 * p * q * s + p * p * t) / (below * np.sqrt(1 + steepness))
    profile[flat & np.isfinite(p)] = 0
    tangential[flat & np.isfinite(p)] = 0
    mean = -(r + t) / 2
    return mean.astype(np.float32), profile.astype(np.float32), tangential.astype(np.float32)


def heat_load(derived: NDArray[np.float32], latitudes: NDArray[np.float64]) -> Surface:
    """Heat load of McCune and Keon (2002), third equation: slopes to the south-west are warmest in the north.

    Args:
        derived: (6, rows, columns).
        latitudes: (rows,) degrees, 30-60 as in the paper's data; the southern half is mirrored.

    Returns:
        (rows, columns), about 0 to 1.1.
    """
    slope = np.arctan(np.hypot(derived[FIRST_X], derived[FIRST_Y]))
    latitude = np.radians(np.abs(latitudes))[:, None]
    towards_equator = np.where(latitudes < 0, -1.0, 1.0)[:, None]
    aspect = np.arctan2(-derived[FIRST_X], -derived[FIRST_Y] * towards_equator)
    folded = np.abs(np.pi - np.abs(np.mod(aspect, 2 * np.pi) - np.pi * 5 / 4))
    load = (
        0.339
        + 0.808 * np.cos(latitude) * np.cos(slope)
        - 0.196 * np.sin(latitude) * np.sin(slope)
        - 0.482 * np.cos(folded) * np.sin(slope)
    )
    return load.astype(np.float32)


@njit(cache=True, nogil=True)
def topographic_position(heights: Surface, halo: int, radius: int) -> Surface:
    """Height above the mean of the known cells of the square around each cell.

    Args:
        heights: (rows, columns) in metres, NaN where unknown.
        halo: cells around that are read only; at least the radius.
        radius: half side of the square, in cells.

    Returns:
        (rows - 2 halo, columns - 2 halo) in metres, NaN where the middle is unknown.
    """
    rows, columns = heights.shape
    sums = np.zeros(columns, np.float64)
    counts = np.zeros(columns, np.int64)
    position = np.empty((rows - 2 * halo, columns - 2 * halo), np.float32)
    for row in range(halo - radius, halo + radius):
        _add_row(heights, row, 1, sums, counts)
    for row in range(halo, rows - halo):
        _add_row(heights, row + radius, 1, sums, counts)
        total, count = 0.0, 0
        for column in range(halo - radius, halo + radius):
            total += sums[column]
            count += counts[column]
        for column in range(halo, columns - halo):
            total += sums[column + radius]
            count += counts[column + radius]
            middle = heights[row, column]
            known = np.isfinite(middle)
            position[row - halo, column - halo] = middle - total / count if known else np.nan
            total -= sums[column - radius]
            count -= counts[column - radius]
        _add_row(heights, row - radius, -1, sums, counts)
    return position


@njit(cache=True, nogil=True)
def _add_row(heights: Surface, row: int, sign: int, sums: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
    """Add (or take away) the known heights of a row to the sums of the columns."""
    for column in range(heights.shape[1]):
        if np.isfinite(heights[row, column]):
            sums[column] += sign * np.float64(heights[row, column])
            counts[column] += sign
