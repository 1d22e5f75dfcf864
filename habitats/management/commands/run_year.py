"""`run_year DIR --year Y`: the mapping year in this process, through the functions of the workers."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from habitats.importers.region_folder import import_region_folder
from habitats.management.console_runs import ConsoleRunCommand
from habitats.queries import year_report
from ml.compute.energy import Meter
from ml.run_session import end_abandoned_runs
from ml.states import RunKind


class Command(ConsoleRunCommand):
    """Import, train, map, vectorise, load; no consultation, no release."""

    help = (
        "Import a region folder and play one mapping year in this process. The candidate is approved by the gate's "
        "rule or, where the rule says no, mapped all the same by whoever types this command. The last line of "
        "output is JSON: samples, classes, version, metrics, polygons, area_ha, seconds and cpu_seconds per step, "
        "energy_wh, energy_method, peak_rss_mb."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the folder, the year and how to compute."""
        parser.add_argument("folder", type=Path, metavar="DIR", help="the region folder")
        parser.add_argument("--year", type=int, required=True, help="one of the years of region.toml")
        self.add_learning_arguments(parser)
        parser.add_argument("--json", type=Path, metavar="FILE", help="also write the answer to a file")

    def play(self, **options: Any) -> dict[str, Any]:
        """Play the year and report."""
        end_abandoned_runs()
        with Meter() as meter:
            report = import_region_folder(options["folder"], at=timezone.now())
        for notice in report.notices:
            self.say(notice)
        run = self.play_run(
            RunKind.YEAR,
            region=report.region,
            year=options["year"],
            mode=options["mode"],
            seed=options["seed"],
            parameters={"decision": "console"},
        )
        return year_report(run, import_seconds=meter.seconds, import_cpu_seconds=meter.cpu_seconds)
