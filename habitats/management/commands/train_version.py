"""`train_version --year Y`: a candidate, trained and compared in this process."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from bioccia.commands import JsonCommand
from bioccia.errors import BiocciaError
from habitats.mapping_year import play_run
from habitats.queries import region_or_error
from ml.actions import request_run
from ml.compute.errors import ComputeError
from ml.models import Run
from ml.run_session import end_abandoned_runs
from ml.states import Mode, RunKind


class Command(JsonCommand):
    """Freeze, train and compare; the decision is left to a person."""

    help = (
        "Train a candidate version on the samples of a year and compare it with the current version. It waits for "
        "a decision on its page. The last line of output is JSON."
    )
    expected_errors = (BiocciaError, ComputeError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the year and how to compute."""
        parser.add_argument("--year", type=int, required=True, help="a year with a stack and samples")
        parser.add_argument("--mode", choices=Mode.values, default=Mode.ACCURATE.value, help="default: %(default)s")
        parser.add_argument("--seed", type=int, default=0, help="seed of the learning; default: %(default)s")
        parser.add_argument("--json", type=str, metavar="FILE", help="also write the answer to a file")

    def play(self, **options: Any) -> dict[str, Any]:
        """Train and report."""
        end_abandoned_runs()
        run = request_run(
            region=region_or_error(),
            year=options["year"],
            kind=RunKind.TRAINING,
            at=timezone.now(),
            by=None,
            mode=options["mode"],
            seed=options["seed"],
            parameters={"decision": "later"},
        )
        play_run(run.pk)
        run = Run.objects.select_related("version").get(pk=run.pk)
        if run.failure or run.version is None:
            raise ComputeError(run.failure or f"run {run.pk} was stopped")
        version = run.version
        return {
            "version": version.number,
            "state": version.state,
            "metrics": version.metrics,
            "comparison": version.comparison,
            "energy_wh": run.energy_wh,
            "energy_method": run.energy_method,
        }
