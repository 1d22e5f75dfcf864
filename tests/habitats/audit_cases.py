"""What the tests of the audit start from: a mapped region, people, a sample that is drawn and labelled."""

import datetime

import numpy as np
from affine import Affine
from django.contrib.gis.geos import Point

from habitats import actions
from ml.storage import store_file
from territories.states import Role
from tests import factories
from tests.ml.compute.rasters import write_class_map

CODES = ("E1.2", "E2.1", "G1.7")
AT = datetime.datetime(2024, 3, 1, 9, 0, tzinfo=datetime.UTC)
COLUMNS, ROWS = 120, 80


def legend_of_three():
    """Two grasslands under one heading, and a wood."""
    heading = factories.HabitatTypeFactory(code="E", in_legend=True)
    grasslands = [factories.HabitatTypeFactory(code=code, parent=heading, in_legend=True) for code in CODES[:2]]
    return [*grasslands, factories.HabitatTypeFactory(code=CODES[2], in_legend=True)]


def corner():
    """Where the raster of the region begins, on the grid of 10 m cells: inside the first square, which is askew."""
    place = Point(factories.WEST, factories.SOUTH + 0.02, srid=4326).transform(2154, clone=True)
    return round(place.x, -1) + 100, round(place.y, -1) - 100


def published_map(folder, *, year=2023):
    """A published vintage with its class raster in the store: three classes side by side."""
    values = np.repeat([1, 2, 3], COLUMNS // 3)[None].repeat(ROWS, axis=0)
    west, north = corner()
    codes = {str(place): code for place, code in enumerate(CODES, 1)}
    path = folder / f"classes-{year}.tif"
    write_class_map(path, values, codes=codes, transform=Affine(10, 0, west, 0, -10, north))
    artefact = store_file(path, at=AT)
    return factories.VintageFactory(region=factories.RegionFactory(), year=year, published=True, classes=artefact)


def drawn_sample(folder, **asked):
    """A sample of 60 points for 2024, over the map of 2023."""
    published_map(folder)
    asked = {"size": 60, "seed": 11, "by": None, "at": AT, **asked}
    return actions.draw_audit_sample(region=factories.RegionFactory(), year=2024, **asked)


def interpreters(count=3):
    """Photo-interpreters of the whole region."""
    return [factories.person_with(Role.PHOTO_INTERPRETER) for _person in range(count)]


def label(point, habitat_type, by, **more):
    """A label as the page gives it."""
    return actions.label_point(point=point, habitat_type=habitat_type, by=by, at=AT, **{"confidence": 3, **more})


def working_map(habitats, *, year=2024):
    """A working vintage of two squares that hold all points: the first habitat in the west, the second in the east."""
    vintage = factories.VintageFactory(region=factories.RegionFactory(), year=year)
    for column, habitat in enumerate(habitats):
        factories.PolygonFactory(vintage=vintage, habitat_type=habitat, outline=factories.square(column, 0))
    return vintage
