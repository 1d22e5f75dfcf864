"""The first steps: the rasters with what people corrected, and what is drawn and counted from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feedback import release_folders
from feedback.models import Release
from feedback.publication.draft import check_as_signed, release_of
from feedback.queries.releases import release_before
from habitats.actions import forget_counts, forget_low_zooms
from habitats.mapping import MapOfYear, corrected_rasters, count_areas, draw_generalised
from ml.compute.publishing.verify import CLASSES
from ml.models import Artefact
from ml.run_session import RunSession
from ml.storage import path_of, store_file


def burn_corrections(session: RunSession) -> Mapping[str, Any]:
    """Give the corrected ground its habitat in the rasters too; the polygons are still the ones that were signed."""
    release = release_of(session)
    check_as_signed(release)
    burnt = corrected_rasters(release.vintage, session.work_dir)
    return {
        "classes": store_file(burnt.classes, at=session.now()).pk,
        "confidence": store_file(burnt.confidence, at=session.now()).pk,
        "changed_cells": burnt.changed_cells,
    }


def raster_of(session: RunSession, name: str) -> Path:
    """A raster of the corrected map, `classes` or `confidence`."""
    return path_of(Artefact.objects.get(pk=session.outputs["burn_corrections"][name]))


def redraw_low_zooms(session: RunSession) -> Mapping[str, Any]:
    """Draw the low zooms of the corrected map, in place of those of the raw one."""
    vintage = release_of(session).vintage
    forget_low_zooms(vintage=vintage)
    return draw_generalised(session, vintage, raster_of(session, "classes"))


def recount_territories(session: RunSession) -> Mapping[str, Any]:
    """Count the corrected map by territory, and what became what since the release before."""
    release = release_of(session)
    forget_counts(vintage=release.vintage)
    later = MapOfYear(release.vintage, raster_of(session, "classes"))
    return count_areas(session, later, _earlier_year(release))


def _earlier_year(release: Release) -> MapOfYear | None:
    """The map published for an earlier year, as it was published; an erratum is not a change of the ground."""
    earlier = release_before(release)
    while earlier is not None and earlier.year == release.year:
        earlier = release_before(earlier)
    if earlier is None:
        return None
    return MapOfYear(earlier.vintage, release_folders.path_of(earlier, CLASSES))
