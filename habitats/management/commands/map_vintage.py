"""`map_vintage VERSION`: the vintage of an approved version, made in this process."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from bioccia.commands import JsonCommand
from bioccia.errors import BiocciaError, InvalidFieldsError
from habitats.mapping_year import play_run
from habitats.queries import region_or_error
from ml.actions import request_run
from ml.compute.errors import ComputeError
from ml.models import ModelVersion, Run
from ml.run_session import end_abandoned_runs
from ml.states import RunKind


class Command(JsonCommand):
    """Map, vectorise, load, draw, count, open."""

    help = (
        "Map a year with an approved model version. The last line of output is JSON: run, vintage, polygons, seconds."
    )
    expected_errors = (BiocciaError, ComputeError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the version and the year."""
        parser.add_argument("version", type=int, metavar="VERSION", help="number of an approved model version")
        parser.add_argument("--year", type=int, help="default: the year the version was trained on")

    def play(self, **options: Any) -> dict[str, Any]:
        """Map and report."""
        version = ModelVersion.objects.filter(number=options["version"]).first()
        if version is None:
            raise InvalidFieldsError(f"There is no model version {options['version']}; see the page of versions.")
        end_abandoned_runs()
        run = request_run(
            region=region_or_error(),
            year=options["year"] or version.year,
            kind=RunKind.MAPPING,
            at=timezone.now(),
            by=None,
            parameters={"version": version.pk},
        )
        play_run(run.pk)
        run = Run.objects.get(pk=run.pk)
        if run.failure:
            raise ComputeError(run.failure)
        seconds = {step.name: round(step.seconds, 2) for step in run.steps.all()}
        return {"run": run.pk, **run.result, "seconds": seconds}
