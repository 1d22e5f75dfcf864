"""`publish_vintage YEAR`: show the working vintage of a year to everybody."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.commands import JsonCommand
from bioccia.errors import InvalidFieldsError
from habitats.actions import publish_vintage
from habitats.models import Vintage
from habitats.states import VintageState


class Command(JsonCommand):
    """Publish the working vintage of a year."""

    help = (
        "Show the working vintage of a year to everybody, in place of the one published before. Releases signed by two "
        "people come with the consultation. The last line of output is JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the year."""
        parser.add_argument("year", type=int, metavar="YEAR", help="year of a working vintage")

    def play(self, **options: Any) -> dict[str, Any]:
        """Publish."""
        vintage = Vintage.objects.filter(year=options["year"], state=VintageState.WORKING).first()
        if vintage is None:
            raise InvalidFieldsError(
                _("There is no working vintage for %(year)s: map that year first.") % {"year": options["year"]}
            )
        published = publish_vintage(vintage=vintage, by=None, at=timezone.now())
        return {"vintage": published.pk, "year": published.year, "polygons": published.polygon_count}
