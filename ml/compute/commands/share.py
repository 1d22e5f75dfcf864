"""Map a stack on several machines: each takes chunks of it, one merges them."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ml.compute.classify import ClassifyOutputs
from ml.compute.commands.arguments import whole_number
from ml.compute.energy import Meter
from ml.compute.shared_windows import SharedJob, classify_chunk, finished_chunks, merge_chunks


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--stack", nargs="+", type=Path, required=True, help="the same rasters on every machine")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--shared", required=True, metavar="URL", help="shared folder: a path, or s3://bucket/folder")
    parser.add_argument("--chunks", type=whole_number, required=True, metavar="N", help="the same on every machine")
    parser.add_argument("--work-dir", type=Path, required=True, help="a folder of this machine")
    parser.add_argument("--workers", type=int, default=1, help="threads (default: 1)")
    parser.add_argument("--out", type=Path, required=True, help="class raster (0 = no data)")
    parser.add_argument("--confidence", type=Path, help="0-100, 255 = no data")
    parser.add_argument("--runner-ups", type=Path, help="second and third class with their shares")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--chunk", type=whole_number, metavar="I", help="map chunk I, from 0, into the shared folder")
    what.add_argument("--merge", action="store_true", help="write the rasters, once every chunk is there")


def run(args: Namespace) -> dict[str, Any]:
    """Map a chunk, or merge.

    Raises:
        ComputeError: the model, the stack or the store cannot be used, or a disk is full.
    """
    outputs = ClassifyOutputs(args.out, args.confidence, args.runner_ups)
    job = SharedJob(tuple(args.stack), args.model, outputs, args.shared, max(1, args.chunks), args.work_dir)
    with Meter() as meter:
        if args.merge:
            counts: dict[str, Any] = {**merge_chunks(job, workers=args.workers), "classes": str(args.out)}
        else:
            mapped = classify_chunk(job, args.chunk, workers=args.workers)
            counts = {
                "chunk": args.chunk,
                "mapped": mapped,
                "finished": len(finished_chunks(job)),
                "chunks": job.chunks,
            }
    return {**counts, **meter.as_json()}
