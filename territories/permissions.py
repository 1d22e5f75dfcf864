"""Who may, asked of mandates. Deny first.

A right is a permission on Territory, held by the group of (role, territory) through django-guardian: one grant per
group and territory, never per row. A person holds it where one of their mandates in force covers the place. A mandate
may be for a branch of habitats: what the branch holds is asked of habitats, through `is_in`.
"""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermission

from bioccia.errors import NotAllowedError
from territories.models import Mandate, Territory, User
from territories.states import RIGHTS_OF_EVERY_HABITAT, RIGHTS_OF_ROLE, Role, TerritoryKind

Person = User | AnonymousUser
# Whether what a person acts on belongs to a branch of habitats.
InBranch = Callable[[str], bool]


@dataclass(frozen=True)
class Holding:
    """Where a mandate in force gives a right, and for which habitats; an empty branch is every habitat."""

    territory: Territory
    branch: str


class SignedInRequest(HttpRequest):
    """A request that passed `login_required`."""

    user: User


def group_name(role: str, territory: Territory) -> str:
    """The name of the group that holds a role's rights on a territory."""
    return f"{role}@{territory.kind}:{territory.code}"


def may(
    person: Person,
    right: str,
    territory: Territory | None = None,
    *,
    on: datetime.date,
    is_in: InBranch | None = None,
) -> bool:
    """Whether the person holds a right on a territory (None: on any territory at all) that day.

    Args:
        person: who asks.
        right: what for.
        territory: where.
        on: the day.
        is_in: whether a branch of habitats holds what the person acts on; None where nothing is acted on yet, as in
            menus and lists: a mandate for any branch counts.
    """
    held = territories_with_right(person, right, on=on, is_in=is_in)
    if not held or territory is None:
        return bool(held)
    return not territory.ancestor_ids().isdisjoint(place.pk for place in held)


def territories_with_right(
    person: Person, right: str, *, on: datetime.date, is_in: InBranch | None = None
) -> list[Territory]:
    """The territories where a mandate in force, and the grant of its group, give the right; `is_in` as in `may`."""
    held = holdings_with_right(person, right, on=on)
    counts = [one for one in held if is_in is None or not one.branch or is_in(one.branch)]
    return list({one.territory.pk: one.territory for one in counts}.values())


def holdings_with_right(person: Person, right: str, *, on: datetime.date) -> list[Holding]:
    """The mandates in force that, with the grant of their group, give the right."""
    if not isinstance(person, User) or not person.is_active:
        return []
    roles = [role for role in Role if right in RIGHTS_OF_ROLE[role]]
    mandates = Mandate.objects.in_force(on).filter(user=person, role__in=roles).select_related("territory")
    if right in RIGHTS_OF_EVERY_HABITAT:
        mandates = mandates.filter(habitat_branch="")
    places: dict[tuple[str, str], list[Holding]] = {}
    for mandate in mandates.defer("territory__geometry", "territory__geometry_3857"):
        place = (group_name(mandate.role, mandate.territory), str(mandate.territory_id))
        places.setdefault(place, []).append(Holding(mandate.territory, mandate.habitat_branch))
    return [holding for grant in _grants_of(person, right, places) for holding in places[grant]]


def rights_anywhere(person: Person, *, on: datetime.date) -> frozenset[str]:
    """Every right that the person holds somewhere that day, by two questions whatever the number of rights."""
    if not isinstance(person, User) or not person.is_active:
        return frozenset()
    mandates = Mandate.objects.in_force(on).filter(user=person).select_related("territory")
    rights: dict[tuple[str, str], frozenset[str]] = {}
    for mandate in mandates.defer("territory__geometry", "territory__geometry_3857"):
        place = (group_name(mandate.role, mandate.territory), str(mandate.territory_id))
        given = frozenset(RIGHTS_OF_ROLE[Role(mandate.role)])
        given -= RIGHTS_OF_EVERY_HABITAT if mandate.habitat_branch else frozenset()
        rights[place] = rights.get(place, frozenset()) | given
    if not rights:
        return frozenset()
    grants = GroupObjectPermission.objects.filter(
        group__user=person,
        group__name__in=[name for name, _territory in rights],
        permission__content_type=ContentType.objects.get_for_model(Territory),
    ).values_list("group__name", "object_pk", "permission__codename")
    # A grant that its role lost gives nothing any more.
    return frozenset(right for name, place, right in grants if right in rights.get((name, place), frozenset()))


def _grants_of(person: User, right: str, places: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those (group, territory) among the places where the person is in the group and the group has the grant."""
    places = list(places)
    if not places:
        return []
    grants = GroupObjectPermission.objects.filter(
        group__user=person,
        group__name__in=[name for name, _territory in places],
        permission__codename=right,
        permission__content_type=ContentType.objects.get_for_model(Territory),
    ).values_list("group__name", "object_pk")
    found = set(grants)
    return [place for place in places if place in found]


def may_everywhere(person: Person, right: str, *, on: datetime.date, is_in: InBranch | None = None) -> bool:
    """Whether the person holds a right on the whole region: what they do there changes everybody's map."""
    has_region = Territory.objects.of_kind(TerritoryKind.REGION).exists()
    return any(
        held.kind == TerritoryKind.REGION if has_region else held.parent_id is None
        for held in territories_with_right(person, right, on=on, is_in=is_in)
    )


def require_everywhere(person: Person, right: str, *, on: datetime.date) -> None:
    """Raise NotAllowedError unless the person holds the right on the whole region."""
    if not may_everywhere(person, right, on=on):
        require(person, right, on=on)
        raise NotAllowedError(_("Your mandate covers a part of the region; this changes the whole of it."))


def require(person: Person, right: str, territory: Territory | None = None, *, on: datetime.date) -> None:
    """Raise NotAllowedError unless the person holds the right."""
    if not may(person, right, territory, on=on):
        where = territory.name if territory else _("this region")
        raise NotAllowedError(
            _("No mandate of yours gives this right for %(territory)s. Ask the Region for one.") % {"territory": where}
        )
