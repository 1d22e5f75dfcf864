"""`map_vintage VERSION`: the vintage of an approved version, made in this process."""

from argparse import ArgumentParser
from typing import Any

from bioccia.errors import InvalidFieldsError
from habitats.management.console_runs import ConsoleRunCommand
from habitats.queries import region_or_error
from ml.models import ModelVersion
from ml.states import RunKind


class Command(ConsoleRunCommand):
    """Map, vectorise, load, draw, count, open."""

    help = (
        "Map a year with an approved model version. The last line of output is JSON: run, vintage, polygons, seconds."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the version and the year."""
        parser.add_argument("version", type=int, metavar="VERSION", help="number of an approved model version")
        parser.add_argument("--year", type=int, help="default: the year the version was trained on")

    def play(self, **options: Any) -> dict[str, Any]:
        """Map and report."""
        version = ModelVersion.objects.filter(number=options["version"]).first()
        if version is None:
            raise InvalidFieldsError(f"There is no model version {options['version']}; see the page of versions.")
        run = self.play_run(
            RunKind.MAPPING,
            region=region_or_error(),
            year=options["year"] or version.year,
            parameters={"version": version.pk},
        )
        seconds = {step.name: round(step.seconds, 2) for step in run.steps.all()}
        return {"run": run.pk, **run.result, "seconds": seconds}
