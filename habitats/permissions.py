"""Who may do what with a relevé, asked of mandates and organisations. Deny first."""

import datetime
from collections.abc import Iterable

from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext as _

from bioccia.errors import NotAllowedError
from habitats.models import Releve
from habitats.queries.branches import about
from territories.models import Territory, User
from territories.permissions import InBranch, Person, territories_with_right


def may_survey_at(person: Person, geometry: GEOSGeometry, *, on: datetime.date) -> bool:
    """Whether a mandate lets the person survey at a place (SRID 4326)."""
    return _holds_at(person, "survey", geometry, on)


def may_survey_at_all(person: Person, places: Iterable[GEOSGeometry], *, on: datetime.date) -> bool:
    """The same for every place of a list, with the outlines read once."""
    held = [territory.pk for territory in territories_with_right(person, "survey", on=on)]
    outlines = [row.geometry.prepared for row in Territory.objects.filter(pk__in=held).only("geometry")]
    return all(any(outline.intersects(place.point_on_surface) for outline in outlines) for place in places)


def may_change(person: Person, releve: Releve, *, on: datetime.date) -> bool:
    """Its author, or a colleague who may survey there; what came with the region folder belongs to nobody here."""
    if not isinstance(person, User) or releve.author_id is None:
        return False
    if releve.author_id == person.pk:
        return True
    of_house = person.organisation_id is not None and person.organisation_id == releve.organisation_id
    return of_house and may_survey_at(person, releve.geometry, on=on)


def may_judge(person: Person, releve: Releve, *, on: datetime.date) -> bool:
    """A scientific validator with a mandate there for its habitats, of another organisation, and never the author."""
    return is_independent(person, releve) and _judges_at(person, releve, on)


def is_independent(person: Person, releve: Releve) -> bool:
    """Whether the person works for another organisation than the relevé's; without one, nobody can tell."""
    if not isinstance(person, User) or person.organisation_id is None:
        return False
    return person.organisation_id != releve.organisation_id and person.pk != releve.author_id


def require_judge(person: Person, releve: Releve, *, on: datetime.date) -> None:
    """Raise NotAllowedError, with the reason, unless the person may judge the relevé."""
    if not _judges_at(person, releve, on):
        raise NotAllowedError(
            _("No mandate of yours lets you validate relevés of these habitats at this place. Ask the Region for one.")
        )
    if not is_independent(person, releve):
        raise NotAllowedError(
            _(
                "A relevé is judged by a validator of another organisation than the one that made it. "
                "Leave %(releve)s to a colleague of another house."
            )
            % {"releve": releve}
        )


def _judges_at(person: Person, releve: Releve, on: datetime.date) -> bool:
    return _holds_at(person, "validate_releve", releve.geometry, on, about(releve.types_named))


def _holds_at(
    person: Person, right: str, geometry: GEOSGeometry, on: datetime.date, is_in: InBranch | None = None
) -> bool:
    held = [territory.pk for territory in territories_with_right(person, right, on=on, is_in=is_in)]
    return bool(held) and Territory.objects.filter(pk__in=held).containing(geometry.point_on_surface).exists()
