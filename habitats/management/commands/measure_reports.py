"""`measure_reports VERSION`: what the samples of reports brought to a version, in this process."""

from argparse import ArgumentParser
from typing import Any

from bioccia.errors import InvalidFieldsError
from habitats.learning import DEFAULT_SEEDS, EVERY_REPORT, MOST_SEEDS
from habitats.management.console_runs import ConsoleRunCommand
from habitats.queries import region_or_error
from ml.models import ModelVersion
from ml.states import RunKind


class Command(ConsoleRunCommand):
    """Train with and without the samples of reports, several seeds, and compare on the selection blocks."""

    help = (
        "Measure what the samples of reports brought to a version: it is trained with and without them, from several "
        "seeds, and both are scored on the blocks that no training saw. The last line of output is JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the version, the reports and how to compute."""
        parser.add_argument("number", type=int, metavar="VERSION", help="number of a model version")
        parser.add_argument("--source", default=EVERY_REPORT, help="how the keys left out begin; default: all reports")
        seeds = range(2, MOST_SEEDS + 1)
        parser.add_argument("--seeds", type=int, choices=seeds, metavar="N", default=DEFAULT_SEEDS, help="default: 5")
        self.add_learning_arguments(parser)
        parser.add_argument("--json", type=str, metavar="FILE", help="also write the answer to a file")

    def play(self, **options: Any) -> dict[str, Any]:
        """Measure and report."""
        version = ModelVersion.objects.filter(number=options["number"]).first()
        if version is None:
            raise InvalidFieldsError(f"There is no model version {options['number']}; see the page of versions.")
        run = self.play_run(
            RunKind.ABLATION,
            region=region_or_error(),
            year=version.year,
            mode=options["mode"],
            seed=options["seed"],
            parameters={"version": version.pk, "source_prefix": options["source"], "seeds": options["seeds"]},
        )
        return {"version": version.number, "run": run.pk, **run.result, "energy_wh": run.energy_wh}
