"""`train_version --year Y`: a candidate, trained and compared in this process."""

from argparse import ArgumentParser
from typing import Any

from habitats.management.console_runs import ConsoleRunCommand
from habitats.queries import region_or_error
from ml.compute.errors import ComputeError
from ml.states import RunKind


class Command(ConsoleRunCommand):
    """Freeze, train and compare; the decision is left to a person."""

    help = (
        "Train a candidate version on the samples of a year and compare it with the current version. It waits for "
        "a decision on its page. The last line of output is JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the year and how to compute."""
        parser.add_argument("--year", type=int, required=True, help="a year with a stack and samples")
        self.add_learning_arguments(parser)
        parser.add_argument("--json", type=str, metavar="FILE", help="also write the answer to a file")

    def play(self, **options: Any) -> dict[str, Any]:
        """Train and report."""
        run = self.play_run(
            RunKind.TRAINING,
            region=region_or_error(),
            year=options["year"],
            mode=options["mode"],
            seed=options["seed"],
            parameters={"decision": "later"},
        )
        if run.version is None:
            raise ComputeError(f"run {run.pk} was stopped")
        version = run.version
        return {
            "version": version.number,
            "state": version.state,
            "metrics": version.metrics,
            "comparison": version.comparison,
            "energy_wh": run.energy_wh,
            "energy_method": run.energy_method,
        }
