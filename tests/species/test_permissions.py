import pytest
from django.contrib.gis.geos import Point

from species.permissions import Place, shown_place
from species.states import Diffusion, Precision

HERE, COMMUNE, CELL, DEPARTMENT = (Point(x, 43, srid=4326) for x in range(4))
WHOLE = Place(position=HERE, cell_center=CELL, cell="c", commune=1, commune_point=COMMUNE, department_point=DEPARTMENT)
AT_SEA = Place(position=HERE, cell_center=CELL, cell="c")


@pytest.mark.parametrize(
    ("sensitivity", "precision", "point"),
    [
        (0, Precision.EXACT, HERE),
        (1, Precision.COMMUNE, COMMUNE),
        (2, Precision.CELL, CELL),
        (3, Precision.DEPARTMENT, DEPARTMENT),
        (4, Precision.NOTHING, None),
    ],
)
def test_each_level_of_sensitivity_has_its_place(sensitivity, precision, point):
    assert shown_place(WHOLE, sensitivity=sensitivity, diffusion=Diffusion.PRECISE) == (precision, point)


def test_without_an_explicit_convention_no_position_is_exact():
    assert shown_place(WHOLE, sensitivity=0, diffusion=Diffusion.STANDARD) == (Precision.COMMUNE, COMMUNE)
    assert shown_place(WHOLE, sensitivity=2, diffusion=Diffusion.STANDARD) == (Precision.CELL, CELL)


@pytest.mark.parametrize(
    ("uncertainty_m", "precision"),
    [(None, Precision.EXACT), (5_000, Precision.EXACT), (7_071, Precision.CELL)],
)
def test_an_observation_too_vague_for_a_commune_is_shown_by_its_cell(uncertainty_m, precision):
    shown = shown_place(WHOLE, sensitivity=0, diffusion=Diffusion.PRECISE, uncertainty_m=uncertainty_m)
    assert shown[0] == precision


@pytest.mark.parametrize(("sensitivity", "precision"), [(1, Precision.CELL), (3, Precision.NOTHING)])
def test_a_missing_territory_makes_the_place_coarser_never_finer(sensitivity, precision):
    assert shown_place(AT_SEA, sensitivity=sensitivity, diffusion=Diffusion.PRECISE)[0] == precision
