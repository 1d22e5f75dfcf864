"""Verify the folder of a release: nothing missing, added or altered, and the files agree."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ml.compute.publishing.verify import verify_folder


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the release, with its MANIFEST.sha256")


def run(args: Namespace) -> dict[str, Any]:
    """Verify; report what the release holds.

    Raises:
        ComputeError: naming the files at fault.
    """
    return {"verified": True, **verify_folder(args.folder)}
