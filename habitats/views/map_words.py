"""The sentences that the map's scripts say: kept here so that they are translated with the rest."""

from django.utils.translation import gettext as _


def map_words() -> dict[str, str]:
    """Sentences by the name that the scripts know them by."""
    return {
        "loading": _("Loading the map…"),
        "card_loading": _("Reading this place…"),
        "card_failed": _("This place could not be read. Check the connection, then click again."),
        "tiles_failed": _("Part of the map did not arrive. Check the connection, then try again."),
        "basemap_failed": _("The background map does not answer: limits of communes are shown instead."),
        "no_position": _("Your position could not be found. Allow it in your browser, or search a commune."),
        "position_outside": _("Your position is outside this region."),
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
        "you_are_here": _("Your position"),
        "shown_count": _("Habitats shown: %(shown)s of %(total)s"),
        "results": _("%(count)s communes found"),
        "no_result": _("No commune has this name."),
        "whole_region": _("Whole region"),
        "locate": _("Show my position"),
        "curtain": _("Curtain between %(left)s at its left and %(right)s at its right"),
        "coordinates": _("Latitude, longitude"),
    }
