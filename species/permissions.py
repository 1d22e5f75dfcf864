"""How precisely the place of an observation may be shown; decided once, when it is stored."""

from dataclasses import dataclass

from django.contrib.gis.geos import Point

from species.states import Diffusion, Precision


@dataclass(frozen=True, slots=True)
class Place:
    """One position, and the coarser places that hold it (SRID 4326); None where there is no such place."""

    position: Point
    cell_center: Point
    cell: str
    commune: int | None = None
    commune_point: Point | None = None
    department_point: Point | None = None

    def at(self, precision: Precision) -> Point | None:
        """The point that stands for the place at a precision."""
        points = {
            Precision.EXACT: self.position,
            Precision.COMMUNE: self.commune_point,
            Precision.CELL: self.cell_center,
            Precision.DEPARTMENT: self.department_point,
        }
        return points.get(precision)


# Half a cell: many records are centres of 10 km cells, and the commune under such a centre means nothing.
VAGUE_M = 5_000


def shown_place(
    place: Place, *, sensitivity: int, diffusion: str, uncertainty_m: float | None = None
) -> tuple[Precision, Point | None]:
    """How precisely a position may, and can, be shown, and the point that stands for it.

    Where the territory of that precision is missing (at sea, or in a region without departments) the next coarser one
    serves: never a finer one.
    """
    allowed = Precision.COMMUNE if diffusion == Diffusion.STANDARD else Precision.EXACT
    known = Precision.CELL if uncertainty_m and uncertainty_m > VAGUE_M else Precision.EXACT
    finest = max(sensitivity, allowed, known)
    for precision in Precision:
        if precision >= finest and (point := place.at(precision)) is not None:
            return precision, point
    return Precision.NOTHING, None
