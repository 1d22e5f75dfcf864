"""There and back between degrees and a region's metres, to the last bit: neighbours that stay must still match."""

from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

DEGREES, TILES = 4326, 3857


class ExactProjection:
    """Remembers the degrees of every vertex it has seen, so that a vertex that comes back comes back the same."""

    def __init__(self, epsg: int) -> None:
        self._epsg = epsg
        self._metres = np.empty(0, np.complex128)
        self._degrees = np.empty(0, np.complex128)

    def to_metres(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Shapes in degrees (longitude, latitude), in the region's metres.

        Args:
            shapes: (n,) shapely geometries.

        Returns:
            (n,) the same, vertex for vertex.
        """

        def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
            metres = _transformed(points, DEGREES, self._epsg)
            self._remember(_as_complex(metres), _as_complex(points))
            return metres

        return np.asarray(shapely.transform(shapes, project), object)

    def to_degrees(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Shapes in metres, in degrees; vertices seen before are exactly where they were."""

        def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
            return self._recalled(points, _transformed(points, self._epsg, DEGREES))

        return np.asarray(shapely.transform(shapes, project), object)

    def _remember(self, metres: NDArray[np.complex128], degrees: NDArray[np.complex128]) -> None:
        metres, degrees = np.concatenate([self._metres, metres]), np.concatenate([self._degrees, degrees])
        self._metres, first = np.unique(metres, return_index=True)
        self._degrees = degrees[first]

    def _recalled(self, metres: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self._metres.size:
            return degrees
        wanted = _as_complex(metres)
        place = np.minimum(np.searchsorted(self._metres, wanted), self._metres.size - 1)
        known = self._metres[place] == wanted
        degrees = degrees.copy()
        degrees[known] = np.column_stack([self._degrees[place].real, self._degrees[place].imag])[known]
        return degrees


def to_tiles(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Shapes in degrees, in the metres of web tiles."""
    return np.asarray(shapely.transform(shapes, lambda points: _transformed(points, DEGREES, TILES)), object)


def area_in_metres(shape: BaseGeometry, epsg: int) -> float:
    """Area of a shape in degrees, in m², in a region's projection."""
    return float(shapely.transform(shape, lambda points: _transformed(points, DEGREES, epsg)).area)


def _as_complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return points[:, 0] + 1j * points[:, 1]


def _transformed(points: NDArray[np.float64], source: int, target: int) -> NDArray[np.float64]:
    x, y = _transformer(source, target).transform(points[:, 0], points[:, 1])
    return np.column_stack([x, y])


@cache
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)
