"""Draw the points that tell how accurate a change map is."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ml.compute.change_audit import BUFFER_PX, ChangeMap, draw_change_sample
from ml.compute.commands.arguments import seed, whole_number
from ml.compute.files import written_aside


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("before", type=Path, metavar="A.tif", help="class raster, 0 = no data")
    parser.add_argument("after", type=Path, metavar="B.tif", help="class raster on the same grid")
    parser.add_argument("--strength", type=Path, metavar="S.tif", help="as `compare` and `stabilise` write it")
    parser.add_argument(
        "--buffer-px",
        type=whole_number,
        default=BUFFER_PX,
        metavar="N",
        help="cells around a change that are a stratum of their own (default: %(default)s)",
    )
    parser.add_argument("--size", type=whole_number, required=True, metavar="N", help="points in all")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="the same seed draws the same points")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="POINTS.csv",
        help="points to label: fill in the column reference with change or no_change, then run `assess --samples`",
    )


def run(args: Namespace) -> dict[str, Any]:
    """Write the points; report how they are shared among the strata.

    Raises:
        ComputeError: a raster cannot be used, the size does not fit, or the disk is full.
    """
    change = ChangeMap(args.before, args.after, args.strength, args.buffer_px)
    draw, points = draw_change_sample(change, size=args.size, seed=args.seed)
    with written_aside(args.out) as aside:
        points.to_csv(aside, index=False, encoding="utf-8")
    return {"points": len(points), "sizes": draw.sizes, "areas_m2": draw.areas, "out": str(args.out)}
