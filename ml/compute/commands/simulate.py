"""simulate: write a simulated region folder, or add years to one."""

import argparse
import time
from pathlib import Path
from typing import Any

from ml.compute.commands.arguments import seed
from ml.compute.simulation import FIRST_YEAR, SimulationOptions, add_simulated_years, simulate_region


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="the region folder")
    parser.add_argument("--truth", type=Path, help="folder for the truth, outside the region folder")
    parser.add_argument("--seed", type=seed, default=1, help="the same seed gives the same bytes")
    parser.add_argument(
        "--years",
        type=int,
        nargs="+",
        default=[FIRST_YEAR, FIRST_YEAR + 1],
        help=f"{FIRST_YEAR} or later",
    )
    parser.add_argument("--size-px", type=int, default=2000, help="cells of 10 m along each side")
    parser.add_argument("--add-year", action="store_true", help="add --years to the folder, with its own seed and size")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Write the folder and say what it holds."""
    start = time.perf_counter()
    years = tuple(args.years)
    if args.add_year:
        add_simulated_years(args.out, years=years, truth_dir=args.truth)
    else:
        options = SimulationOptions(seed=args.seed, years=years, size_px=args.size_px)
        simulate_region(args.out, options=options, truth_dir=args.truth)
    return {"region": str(args.out), "years": sorted(years), "seconds": round(time.perf_counter() - start, 2)}
