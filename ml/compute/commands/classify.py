"""Map a stack with a model."""

import argparse
import ctypes
import sys
from contextlib import suppress
from pathlib import Path

from ml.compute.classify import ClassifyOutputs, classify_stack
from ml.compute.energy import Meter
from ml.compute.frugality import VintageAssumptions, pace_of
from ml.compute.timing import time_model

_ARENA_MAX = -8  # glibc's M_ARENA_MAX


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--stack", nargs="+", type=Path, required=True, help="rasters on one grid")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="class raster (0 = no data)")
    parser.add_argument("--confidence", type=Path, help="0-100, 255 = no data")
    parser.add_argument("--runner-ups", type=Path, help="second and third class with their shares")
    parser.add_argument("--workers", type=int, default=1, help="threads, each with its own files (default: 1)")
    parser.add_argument("--work-dir", type=Path, help="keeps finished windows, so that a killed run resumes")
    parser.add_argument("--beside", type=Path, help="another model, timed on the middle of the stack for the record")
    parser.add_argument("--vintage-cells", type=int, help="cells of a whole vintage (default: those of the stack)")
    parser.add_argument("--processors", type=int, default=2, help="that would share a vintage (default: 2)")
    parser.add_argument("--euros-per-cpu-hour", type=float, default=0.03, help="for the cost of a vintage")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Map, write the rasters.

    Returns:
        Counts of cells and windows, with seconds, CPU seconds, energy, memory, and what a vintage would take.
    """
    _share_one_heap()
    with Meter() as meter:
        counts = classify_stack(
            args.stack,
            args.model,
            ClassifyOutputs(args.out, args.confidence, args.runner_ups),
            workers=args.workers,
            work_dir=args.work_dir,
            progress=_print_progress,
        )
    assumptions = VintageAssumptions(args.vintage_cells, args.processors, args.euros_per_cpu_hour)
    record = {**counts, **meter.as_json(), **pace_of(meter, counts["cells"], assumptions)}
    if args.beside:
        record["alternative"] = time_model(args.stack, args.beside)
    return {**record, "classes": str(args.out)}


def _share_one_heap() -> None:
    """Let threads share glibc's heap: with one each, freed windows stay resident in all of them (200 MB)."""
    with suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def _print_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{total} windows" + ("\n" if done == total else ""))
