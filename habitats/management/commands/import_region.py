"""`import_region DIR`: read a region folder, whole or not at all."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from bioccia.commands import JsonCommand
from bioccia.errors import BiocciaError
from habitats.importers.region_folder import import_region_folder
from ml.compute.errors import ComputeError
from ml.run_session import end_abandoned_runs


class Command(JsonCommand):
    """Import a region folder."""

    help = (
        "Import a region folder (region.toml, legend.csv, stack/, samples/, and what is optional) into this "
        "region's database. Whole or not at all; importing again updates. The last line of output is JSON."
    )
    expected_errors = (BiocciaError, ComputeError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the folder."""
        parser.add_argument("folder", type=Path, metavar="DIR", help="the region folder")

    def play(self, **options: Any) -> dict[str, Any]:
        """Import and count."""
        end_abandoned_runs()
        report = import_region_folder(options["folder"], at=timezone.now())
        for notice in report.notices:
            self.say(notice)
        return report.as_json()
