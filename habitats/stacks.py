"""Where the feature stack of a year stands."""

from pathlib import Path

from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError
from ml.models import PredictorLayer
from territories.models import Region


def stack_paths(region: Region, year: int) -> list[Path]:
    """The rasters of a year, in the order of the catalogue.

    Raises:
        InvalidFieldsError: the catalogue has none for the year, or a file has been moved since the import.
    """
    files = PredictorLayer.objects.of_stack(year).order_by("file").values_list("file", flat=True).distinct()
    if not files:
        raise InvalidFieldsError(
            _("%(region)s has no predictors for %(year)s: import its region folder again.")
            % {"region": region.name, "year": year}
        )
    paths = [Path(file) for file in files]
    for path in paths:
        if not path.exists():
            raise InvalidFieldsError(
                _("%(file)s is missing: put it back, or import the region folder from where it is now.")
                % {"file": path}
            )
    return paths
