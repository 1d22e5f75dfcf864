"""Write a class raster as polygons without gaps, with their confidence and runner-ups."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ml.compute.commands.arguments import distance, whole_number
from ml.compute.files import written_aside
from ml.compute.polygons import polygonise_map

LAYER = "polygons"


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
    parser.add_argument("--out", type=Path, required=True, metavar="POLYGONS.gpkg", help="GeoPackage to write")


def run(args: Namespace) -> dict[str, Any]:
    """Write the polygons; report how many, and what became of the patches under the unit.

    Raises:
        ComputeError: a raster cannot be used, or the disk is full.
    """
    frame = polygonise_map(
        args.classes,
        mmu_px=args.mmu_px,
        simplify_m=args.simplify,
        confidence_path=args.confidence,
        runner_ups_path=args.runner_ups,
    )
    with written_aside(args.out) as aside:
        frame.to_file(aside, driver="GPKG", layer=LAYER, geometry_type="Polygon")
    return {
        "polygons": len(frame),
        "area_ha": round(float(frame["area_m2"].sum()) / 10_000, 4),
        "patches_merged": frame.attrs["minimum_unit"]["merged"],
        "patches_isolated_under_the_unit": frame.attrs["minimum_unit"]["isolated"],
        "out": str(args.out),
    }
