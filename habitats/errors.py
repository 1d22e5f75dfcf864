"""What a decision about the map can meet."""

from django.utils.translation import gettext_lazy as _

from bioccia.errors import InvalidFieldsError, StateForbidsError


class PolygonChangedError(StateForbidsError):
    """A polygon is not, or no longer, the one that was looked at."""

    code, title = "polygon_changed", _("The map has changed")


class NothingToCorrectError(StateForbidsError):
    """The map already says what the decision asks for."""

    code, title = "nothing_to_correct", _("The map already says so")


class OutlineError(InvalidFieldsError):
    """An outline that cannot be drawn into the map."""

    code, title = "outline", _("The outline cannot be used")
