"""Map a stack with a model."""

import argparse
import sys
from pathlib import Path

from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.energy import Meter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--stack", nargs="+", type=Path, required=True, help="rasters on one grid")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="class raster (0 = no data)")
    parser.add_argument("--confidence", type=Path, help="0-100, 255 = no data")
    parser.add_argument("--runner-ups", type=Path, help="second and third class with their shares")
    parser.add_argument("--workers", type=int, default=1, help="threads (default: 1)")
    parser.add_argument("--work-dir", type=Path, help="keeps finished windows, so that a killed run resumes")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Map, write the rasters.

    Returns:
        Counts of cells and windows, with seconds, CPU seconds, energy and memory.
    """
    with Meter() as meter:
        counts = classify_stack(
            args.stack,
            args.model,
            ClassifyOutputs(args.out, args.confidence, args.runner_ups),
            workers=args.workers,
            work_dir=args.work_dir,
            progress=_print_progress,
        )
    return {**counts, **meter.as_json(), "classes": str(args.out)}


def _print_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{total} windows" + ("\n" if done == total else ""))
