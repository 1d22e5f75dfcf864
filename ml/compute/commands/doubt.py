"""Map how little the best class of each cell stands out: 0 sure, 100 two classes level."""

import argparse
from pathlib import Path

from ml.compute.commands.arguments import add_map_products
from ml.compute.doubt import write_doubt
from ml.compute.map_products import MapProducts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_map_products(parser)
    parser.add_argument("--out", type=Path, required=True, help="raster to write: 0-100, 255 = no data")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Write the raster.

    Returns:
        Cells mapped, mean doubt, share of doubtful cells.
    """
    products = MapProducts(args.classes, args.confidence, args.runner_ups)
    return {**write_doubt(products, args.out), "out": str(args.out)}
