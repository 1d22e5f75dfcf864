"""A small map whose polygons share their borders, to correct; `mapped(classes)` is the ground to stand on."""

import numpy as np
import shapely
from affine import Affine
from django.contrib.gis.geos import GEOSGeometry
from django.utils import timezone
from rasterio.crs import CRS
from shapely.geometry import box

from habitats.models import Polygon, Vintage
from ml.compute.exact_projection import TILES, ExactProjection, to_tiles
from ml.compute.grids import Grid
from ml.compute.minimum_unit import apply_minimum_unit
from ml.compute.outlines import outline_patches
from tests.factories.ground import AN_INSTANT
from tests.factories.habitats import HabitatTypeFactory, VintageFactory

CELL = 10.0
WEST, NORTH = 700_000.0, 6_300_000.0
MAP_CODES = ("A1", "B1", "C1", "D1")
EPSG = 2154


def habitats_of_map():
    """The four habitats of the small maps, by code; all in the legend."""
    return {code: HabitatTypeFactory(code=code, in_legend=True) for code in MAP_CODES}


def mapped(classes, **vintage):
    """A working vintage (or `building=True`, `published=True`) of a class map: 1 is A1 ... 4 is D1, cells of 10 m."""
    classes = np.asarray(classes, np.uint16)
    patches = apply_minimum_unit(classes, mmu_px=4)
    grid = Grid(classes.shape[1], classes.shape[0], Affine(CELL, 0, WEST, 0, -CELL, NORTH), CRS.from_epsg(EPSG))
    outlines = outline_patches(patches.labels, grid)
    types = habitats_of_map()
    made = VintageFactory(area_m2=float(shapely.area(outlines).sum()), polygon_count=outlines.size, **vintage)
    degrees = ExactProjection(EPSG).to_degrees(outlines)
    Polygon.objects.bulk_create(
        Polygon(
            vintage=made,
            number=number,
            habitat_type=types[MAP_CODES[value - 1]],
            confidence=60,
            runner_up_1=types["D1"],
            runner_up_1_share=20,
            area_m2=outline.area,
            geometry=GEOSGeometry(shapely.to_wkb(plain, hex=True), srid=4326),
            geometry_3857=GEOSGeometry(shapely.to_wkb(tiles, hex=True), srid=TILES),
        )
        for number, (value, outline, plain, tiles) in enumerate(
            zip(patches.values[1:], outlines, degrees, to_tiles(degrees), strict=True), 1
        )
    )
    return made


def three_stripes(**vintage):
    """A1, B1 and C1, each 10 x 10 cells, from west to east: polygons 1, 2 and 3."""
    return mapped(np.repeat([[1, 2, 3]], 10, axis=0).repeat(10, axis=1), **vintage)


def cells(left, top, right, bottom):
    """A rectangle of a small map, in cells from its north-west corner, in SRID 4326."""
    shape = box(WEST + left * CELL, NORTH - bottom * CELL, WEST + right * CELL, NORTH - top * CELL)
    degrees = ExactProjection(EPSG).to_degrees(np.array([shape], object))[0]
    return GEOSGeometry(shapely.to_wkb(degrees, hex=True), srid=4326)


def decision(source="report:1", *, at=None, by=None, observed_on=None):
    """The facts of a decision, for the actions that correct."""
    return {
        "source": source,
        "by": by,
        "at": at or AN_INSTANT,
        "observed_on": observed_on,
        "reason": "Seen on the ground.",
    }


def map_in_metres(vintage: Vintage):
    """Outlines in metres and codes of a vintage, by number."""
    polygons = list(vintage.polygons.order_by("number").select_related("habitat_type"))
    shapes = np.array([shapely.from_wkb(bytes(one.geometry.wkb)) for one in polygons], object)
    return ExactProjection(EPSG).to_metres(shapes), {one.number: one.habitat_type.code for one in polygons}


def next_day(days=1):
    """A moment after AN_INSTANT, for decisions in order."""
    return AN_INSTANT + timezone.timedelta(days=days)
