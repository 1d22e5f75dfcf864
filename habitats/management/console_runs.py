"""What the commands that play a run in their own process share."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from bioccia.commands import JsonCommand
from bioccia.errors import BiocciaError
from habitats.mapping_year import play_run
from ml.actions import request_run
from ml.compute.errors import ComputeError
from ml.models import Run
from ml.run_session import end_abandoned_runs
from ml.states import Mode, RunKind
from territories.models import Region


class ConsoleRunCommand(JsonCommand):
    """Asks for a run in the operator's name, and plays it to its end or to the decision it needs."""

    expected_errors = (BiocciaError, ComputeError)

    def add_learning_arguments(self, parser: ArgumentParser) -> None:
        """How to compute, for the kinds of runs that learn."""
        parser.add_argument("--mode", choices=Mode.values, default=Mode.ACCURATE.value, help="default: %(default)s")
        parser.add_argument("--seed", type=int, default=0, help="seed of the learning; default: %(default)s")

    def play_run(self, kind: RunKind, *, region: Region, year: int, **asked: Any) -> Run:
        """Make the run and play it here.

        Args:
            kind: what to do.
            region: the region to map.
            year: one of its years with a stack.
            **asked: `mode`, `seed`, `parameters`, as `request_run` takes them.

        Raises:
            ComputeError: the run failed.
        """
        end_abandoned_runs()
        run = request_run(region=region, year=year, kind=kind, at=timezone.now(), by=None, **asked)
        self.say(f"run {run.pk}: {region.name}, {year}")
        play_run(run.pk)
        run = Run.objects.select_related("version").get(pk=run.pk)
        if run.failure:
            raise ComputeError(run.failure)
        return run
