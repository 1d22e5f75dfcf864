"""Which value of a class raster stands for which code, and in which colour."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from ml.compute.errors import RasterError
from ml.compute.grids import open_raster

HIGHEST_VALUE = 65535
HIGHEST_PALETTE_VALUE = 255
TAG = "CLASSES"


def class_values(codes: Sequence[str], legend_codes: Sequence[str] = ()) -> dict[str, int]:
    """The raster value of each code.

    Args:
        codes: every code used in the samples.
        legend_codes: the legend's order; empty for alphabetical order.

    Returns:
        The integers themselves where all codes are integers from 1 to 65535, else 1..K in the legend's
        order, codes outside the legend last.

    Raises:
        RasterError: there are more classes than a raster can hold.
    """
    used = sorted(set(codes))
    if len(used) > HIGHEST_VALUE:
        raise RasterError(f"{len(used)} classes do not fit a class raster; merge some of them.")
    if all(code.isascii() and code.isdigit() and str(int(code)) == code for code in used):
        values = {code: int(code) for code in used}
        if all(1 <= value <= HIGHEST_VALUE for value in values.values()):
            return values
    place = {code: index for index, code in enumerate(legend_codes)}
    ordered = sorted(used, key=lambda code: (place.get(code, len(place)), code))
    return {code: value for value, code in enumerate(ordered, 1)}


def with_more_codes(values: Mapping[str, int], codes: Sequence[str]) -> dict[str, int]:
    """The values of a raster that needs more codes, as parents of its classes; those that it has stay.

    Args:
        values: raster value by code.
        codes: every code needed.

    Returns:
        An integer code that is still free stands for itself where all of `values` do, others take the lowest
        free value.

    Raises:
        RasterError: there are more codes than a raster can hold.
    """
    extended = dict(values)
    taken = set(values.values())
    are_integers = all(code == str(value) for code, value in values.items())
    free = (value for value in range(1, HIGHEST_VALUE + 1) if value not in taken)
    for code in dict.fromkeys(codes):
        if code in extended:
            continue
        is_own = are_integers and code.isascii() and code.isdigit() and str(int(code)) == code
        value = int(code) if is_own and int(code) not in taken and 1 <= int(code) <= HIGHEST_VALUE else next(free, None)
        if value is None:
            raise RasterError(f"More than {HIGHEST_VALUE} codes do not fit a class raster; merge some of them.")
        extended[code] = value
        taken.add(value)
    return extended


def class_codes(path: Path) -> dict[int, str]:
    """The code of each value of a class raster.

    Args:
        path: a class raster; without a CLASSES tag, its integers are the codes.

    Returns:
        Codes by value, without 0 (no data).

    Raises:
        RasterError: unreadable, or its CLASSES tag is no JSON object {value: code}.
    """
    with open_raster(path) as source:
        codes = tagged_codes(source, path)
        if codes is not None:
            return codes
        found = np.unique(np.concatenate([np.unique(source.read(1, window=w)) for w in _windows(source)]))
        return {int(value): str(int(value)) for value in found if value != 0}


def tagged_codes(source: rasterio.DatasetReader, path: Path) -> dict[int, str] | None:
    """The codes by value that the CLASSES tag of an open raster or of its band gives; None without the tag.

    Raises:
        RasterError: the tag is no JSON object {value: code}.
    """
    tag = source.tags().get(TAG) or source.tags(1).get(TAG)
    if not tag:
        return None
    try:
        return {int(value): str(code) for value, code in json.loads(tag).items()}
    except (ValueError, AttributeError) as error:
        raise RasterError(f"{path}: the tag {TAG} is no JSON object of codes by value; remove it.") from error


def palette_of(values: Mapping[str, int], colors: Mapping[str, str]) -> dict[int, tuple[int, int, int, int]]:
    """A colour for each value, from `#rrggbb` by code where given, else spread around the colour wheel."""
    palette = {0: (0, 0, 0, 0)}
    for place, (code, value) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        color = colors.get(code) or _wheel_color(place)
        red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
        palette[value] = (red, green, blue, 255)
    return palette


def dtype_of(values: Sequence[int]) -> type[np.uint8] | type[np.uint16]:
    """The narrowest type that holds the values."""
    return np.uint8 if max(values, default=0) <= HIGHEST_PALETTE_VALUE else np.uint16


def lookup_of(values: Sequence[int]) -> NDArray[np.uint16]:
    """(classes,) raster value by place of the class."""
    return np.array(values, np.uint16)


def _windows(source: rasterio.DatasetReader) -> list[rasterio.windows.Window]:
    return [window for _, window in source.block_windows(1)]


def _wheel_color(place: int) -> str:
    """Distinct hues by the golden angle; same place, same colour."""
    hue = place * 0.618034 % 1.0
    channels = [abs((hue * 6 + shift) % 6 - 3) - 1 for shift in (0.0, 4.0, 2.0)]
    levels = [round(255 * (0.25 + 0.6 * min(max(channel, 0.0), 1.0))) for channel in channels]
    return "#{:02x}{:02x}{:02x}".format(*levels)
