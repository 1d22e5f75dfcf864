"""What every step of a publication asks: which release, where its files are drafted, in which words they speak."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from feedback.models import Release
from feedback.states import ReleaseState
from habitats.queries.publication import hash_of_polygons
from ml.compute.publishing.manifest import hash_of_file
from ml.compute.publishing.polygons import Words
from ml.run_session import RunSession

# Files leave the platform and speak for themselves: in both languages, whatever the language of the worker.
LIMITS = (
    "Carte modélisée, pas un inventaire de terrain ; à ne pas utiliser à une échelle plus grande que 1:{scale}. "
    "Modelled map, not a field inventory; not to be used at scales larger than 1:{scale}."
)
# A cell drawn four tenths of a millimetre wide on paper, the finest that an eye tells apart.
SCALE_BY_METRE = 2500


def release_of(session: RunSession) -> Release:
    """The release that the run publishes, if it is still to be published.

    Raises:
        StateForbidsError: it is not signed any more.
    """
    maps = (f"vintage__{name}" for name in ("classes", "confidence", "small_features", "region"))
    release = (
        Release.objects.select_related("region", "vintage__version__training_set", *maps)
        .filter(run=session.run)
        .first()
    )
    if release is None or release.state != ReleaseState.SIGNED:
        raise StateForbidsError(_("The release of this run is not waiting for its publication any more."))
    return release


def check_as_signed(release: Release) -> None:
    """See that the polygons are the ones that two people signed.

    Raises:
        StateForbidsError: a polygon changed since.
    """
    if hash_of_polygons(release.vintage) != release.dossier["map"]["sha256"]:
        raise StateForbidsError(
            _("The map changed after it was signed: abandon release %(release)s, prepare it again and have it signed.")
            % {"release": release}
        )


def folder_of_draft(session: RunSession) -> Path:
    """Where the files are written until they are public; it outlives a killed worker."""
    folder = session.work_dir / "release"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def file_facts(path: Path, **facts: Any) -> Mapping[str, Any]:
    """What a step leaves of the file it wrote."""
    return {"name": path.name, "sha256": hash_of_file(path), **facts}


def smallest_scale(release: Release) -> int:
    """The denominator of the largest scale at which the map may be used."""
    return round(release.region.resolution_m * SCALE_BY_METRE)


def attribution(release: Release) -> str:
    """Who made what the map is made from, as the region's folder asks."""
    return release.region.attribution


def limits(release: Release) -> str:
    """What the map is not."""
    return LIMITS.format(scale=smallest_scale(release))


def words(release: Release, title: str) -> Words:
    """What a layer says of itself; dated by the end of the year it maps, which no clock changes."""
    licence = release.dossier["licence"]
    description = f"{limits(release)} {licence}. {attribution(release)}".strip()
    return Words(title=f"{title} {release}", description=description, date=f"{release.year}-12-31")


def tags(release: Release) -> dict[str, str]:
    """What a raster says of itself."""
    return {
        "RELEASE": str(release),
        "LICENCE": release.dossier["licence"],
        "ATTRIBUTION": attribution(release),
        "LIMITS_OF_USE": limits(release),
    }
