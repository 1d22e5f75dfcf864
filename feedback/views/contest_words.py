"""The sentences that the scripts of the contestation say: kept here so that they are translated with the rest."""

from django.utils.translation import gettext as _

from habitats.views.map_words import map_words


def contest_words() -> dict[str, str]:
    """Sentences by the name that the scripts know them by."""
    return {
        **map_words(),
        "whole_region": _("My territory"),
        "drawing_tooltip_first": _("Click to place the first point"),
        "drawing_tooltip_next": _("Click to go on"),
        "drawing_tooltip_finish": _("Click the first point to close the outline"),
        "mode_choose": _("Click a polygon to add it, click it again to remove it."),
        "keys_choose": _("By keyboard: arrows, then Enter."),
        "mode_draw": _(
            "Click point after point; the outline holds on to the limits of polygons. Close it on its first point."
        ),
        "keys_draw": _("By keyboard: arrows, Enter for each point, Backspace to undo."),
        "mode_edit": _("Move the points of the outline. Right click, or a long press, removes one."),
        "zoom_to_snap": _("Zoom in to hold on to the limits of polygons."),
        "too_many_to_snap": _("Too many polygons here to hold on to: zoom in."),
        "added": _("Polygon %(number)s added."),
        "removed": _("Polygon %(number)s removed."),
        "already": _("Polygon %(number)s is in the list already."),
        "drawn": _("Outline drawn: about %(area)s ha."),
        "outline_cleared": _("Outline cleared."),
        "self_crossing": _("This side would cross another one: place the point elsewhere."),
        "not_enough_points": _("An outline needs three points at least."),
        "polygon_failed": _("This polygon could not be read. Check the connection, then try again."),
        "saving": _("Saving…"),
        "saved": _("Draft saved at %(time)s"),
        "saved_except": _("Draft saved at %(time)s, except: %(fields)s"),
        "kept_here": _("No connection: your report is kept in this browser and will be saved when it is back."),
        "server_fails": _("The server does not answer: your report is kept in this browser. Saving is tried again."),
        "signed_out": _("You were signed out: your report is kept in this browser. Sign in, then open this page."),
        "not_saved": _("Not saved: %(why)s Your text is kept in this browser."),
        "cannot_send": _("It cannot be sent without a connection. It is kept in this browser; send it later."),
        "lowered_stake": _("%(to)s is less at stake than %(from)s."),
        "no_habitat": _("No habitat of the legend has this code or name."),
        "habitats_found": _("%(count)s habitats found"),
        "proposed": _("Proposed: %(habitat)s"),
        "photo_sending": _("Sending the photograph…"),
        "photo_failed": _("The photograph did not go through. Check the connection, then choose it again."),
        "photo_not_removed": _("The photograph could not be removed. Check the connection, then try again."),
        "photo_needs_draft": _("The photograph waits for the draft to be saved."),
    }
