"""`verify_release DIR`: see that the folder of a release is whole, unaltered, and agrees with itself."""

from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from bioccia.commands import JsonCommand
from bioccia.errors import BiocciaError
from ml.compute.errors import ComputeError
from ml.compute.publishing.verify import verify_folder


class Command(JsonCommand):
    """Needs nothing but the folder: `python -m ml.compute verify DIR` does the same without the platform."""

    help = "Verify the folder of a release: nothing missing, added or altered, and the files agree."
    expected_errors: ClassVar[tuple[type[Exception], ...]] = (BiocciaError, ComputeError)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("folder", type=Path, metavar="DIR", help="folder that holds MANIFEST.sha256")

    def play(self, **options: Any) -> dict[str, Any]:
        """Verify; a fault names its file."""
        return {"verified": True, **verify_folder(options["folder"])}
