"""Write a class raster as polygons without gaps, with their confidence and runner-ups."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import geopandas as gpd

from ml.compute.class_rasters import open_class_map
from ml.compute.commands.arguments import distance, whole_number
from ml.compute.errors import RasterError
from ml.compute.polygon_files import POLYGONS_LAYER, write_parts
from ml.compute.polygons import DrawnMap, draw_map
from ml.compute.small_features import SmallFeatureRules

SMALL_FEATURES_LAYER = "small_features"
DEFAULTS = SmallFeatureRules()


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("classes", type=Path, metavar="CLASSES.tif", help="class raster, 0 = no data")
    parser.add_argument(
        "--mmu-px",
        type=whole_number,
        required=True,
        metavar="N",
        help="minimum mapping unit in 4-connected cells; smaller patches join the neighbour with the longest border",
    )
    parser.add_argument(
        "--simplify",
        type=distance,
        required=True,
        metavar="M",
        help="tolerance in metres: corners whose triangle is under M x M go, on both sides alike; 0 keeps cell sides",
    )
    parser.add_argument("--confidence", type=Path, metavar="CONF.tif", help="uint8 raster 0-100, 255 = no data")
    parser.add_argument(
        "--runner-ups",
        type=Path,
        metavar="RU.tif",
        help="uint16 raster of 4 bands: first runner-up, its share, second runner-up, its share",
    )
    parser.add_argument(
        "--small-features",
        nargs="?",
        const=SMALL_FEATURES_LAYER,
        metavar="LAYER",
        help="keep hedges, streams and ponds under the unit in a second layer of the file, so named",
    )
    parser.add_argument(
        "--keep-codes",
        nargs="+",
        default=[],
        metavar="CODE",
        help="codes of which every small feature of two cells is kept; implies --small-features",
    )
    parser.add_argument(
        "--least-length",
        type=distance,
        default=DEFAULTS.least_length_cells,
        metavar="CELLS",
        help="a linear feature is at least so long (default: %(default)s), and four times as long as wide",
    )
    parser.add_argument(
        "--least-confidence",
        type=distance,
        default=DEFAULTS.least_confidence,
        metavar="SHARE",
        help="mean confidence that a small feature needs, where --confidence is given (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="POLYGONS.gpkg", help="GeoPackage to write")


def run(args: Namespace) -> dict[str, Any]:
    """Write the polygons; report how many, and what became of the patches under the unit.

    Raises:
        ComputeError: a raster cannot be used, or the disk is full.
    """
    layer = args.small_features or (SMALL_FEATURES_LAYER if args.keep_codes else None)
    if layer == POLYGONS_LAYER:
        raise RasterError(f"--small-features {layer}: the polygons have that layer; give another name.")
    drawn = draw_map(
        open_class_map(args.classes),
        mmu_px=args.mmu_px,
        simplify_m=args.simplify,
        confidence_path=args.confidence,
        runner_ups_path=args.runner_ups,
    )
    beside = {} if layer is None else {layer: _small_features(drawn, args)}
    area_m2 = write_parts(args.out, drawn.frames(), beside)
    return {
        "polygons": len(drawn),
        "area_ha": round(area_m2 / 10_000, 4),
        "patches_merged": drawn.unit.merged,
        "patches_isolated_under_the_unit": drawn.unit.isolated,
        **{name: {kind: int(n) for kind, n in found["kind"].value_counts().items()} for name, found in beside.items()},
        "out": str(args.out),
    }


def _small_features(drawn: DrawnMap, args: Namespace) -> gpd.GeoDataFrame:
    rules = SmallFeatureRules(
        keep_codes=frozenset(args.keep_codes),
        least_length_cells=args.least_length,
        least_confidence=args.least_confidence,
    )
    return drawn.small_features(args.confidence, rules)
