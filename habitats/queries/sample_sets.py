"""Which of the three sets a new sample at a place belongs to."""

import geopandas as gpd
import shapely
from django.contrib.gis.geos import GEOSGeometry, Polygon
from shapely.geometry.base import BaseGeometry

from habitats.models import Sample
from habitats.states import SampleSet
from ml.compute.samples import BLOCK_CELLS, block_bounds, split_at
from territories.models import Region

SPLIT_OF_SET = {SampleSet.TRAINING: "train", SampleSet.SELECTION: "test"}
SET_OF_SPLIT = {split: sample_set for sample_set, split in SPLIT_OF_SET.items()}


def sample_set_at(*, region: Region, year: int, geometry: GEOSGeometry) -> SampleSet:
    """The set of a new sample: the one of its spatial block, so that what chooses a model never trains it.

    A block with a sample for choosing models is closed to training, and so is a place that overlaps such a sample; else
    a block with training samples stays one; else the block's draw decides. The audit sample counts for nothing here: it
    is sealed.

    Args:
        region: whose CRS, cell size and seed lay out and draw the blocks.
        year: of the ground that the sample describes.
        geometry: the place, SRID 4326.
    """
    place = _in_region_crs(geometry, region)
    block_m = BLOCK_CELLS * region.resolution_m
    known = _samples_around(place, region, year, block_m)
    return SET_OF_SPLIT[split_at(place, known, block_m=block_m, seed=region.sampling_seed)]


def _samples_around(place: BaseGeometry, region: Region, year: int, block_m: float) -> gpd.GeoDataFrame:
    """The samples in service of a year that reach the place or its block, in the region's CRS."""
    reach = shapely.box(*shapely.total_bounds([place, shapely.box(*block_bounds(place, block_m))]))
    box = Polygon.from_bbox(reach.bounds)
    box.srid = region.epsg
    found = (
        Sample.objects.of_year(year)
        .in_service()
        .not_sealed()
        .filter(geometry__intersects=box.transform(4326, clone=True))
        .values_list("sample_set", "given_split", "geometry")
    )
    rows = list(found.order_by("key"))
    columns = {
        "split": [SPLIT_OF_SET[SampleSet(sample_set)] for sample_set, _given, _place in rows],
        "written": [bool(given) for _set, given, _place in rows],
    }
    places = [_in_region_crs(sample_place, region) for _set, _given, sample_place in rows]
    return gpd.GeoDataFrame(columns, geometry=places, crs=region.epsg)


def _in_region_crs(geometry: GEOSGeometry, region: Region) -> BaseGeometry:
    return shapely.from_wkb(bytes(geometry.transform(region.epsg, clone=True).wkb))
