"""Who may, asked of mandates. Deny first.

A right is a permission on Territory, held by the group of (role, territory) through django-guardian: one grant per
group and territory, never per row. A person holds it where one of their mandates in force covers the place.
"""

import datetime

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from guardian.shortcuts import get_objects_for_group

from bioccia.errors import NotAllowedError
from territories.models import Mandate, Territory, User
from territories.states import RIGHTS_OF_ROLE, Role, TerritoryKind

Person = User | AnonymousUser


class SignedInRequest(HttpRequest):
    """A request that passed `login_required`."""

    user: User


def group_name(role: str, territory: Territory) -> str:
    """The name of the group that holds a role's rights on a territory."""
    return f"{role}@{territory.kind}:{territory.code}"


def may(person: Person, right: str, territory: Territory | None = None, *, on: datetime.date) -> bool:
    """Whether the person holds a right on a territory (None: on any territory at all) that day."""
    return any(
        territory is None or granted in territory.ancestors_and_self()
        for granted in territories_with_right(person, right, on=on)
    )


def territories_with_right(person: Person, right: str, *, on: datetime.date) -> list[Territory]:
    """The territories where a mandate in force, and the grant of its group, give the right."""
    if not isinstance(person, User) or not person.is_active:
        return []
    roles = [role for role in Role if right in RIGHTS_OF_ROLE[role]]
    mandates = Mandate.objects.in_force(on).filter(user=person, role__in=roles).select_related("territory")
    groups = {group.name: group for group in person.groups.all()}
    held: list[Territory] = []
    for mandate in mandates.defer("territory__geometry", "territory__geometry_3857"):
        group = groups.get(group_name(mandate.role, mandate.territory))
        if group and get_objects_for_group(group, f"territories.{right}").filter(pk=mandate.territory_id).exists():
            held.append(mandate.territory)
    return held


def may_everywhere(person: Person, right: str, *, on: datetime.date) -> bool:
    """Whether the person holds a right on the whole region: what they do there changes everybody's map."""
    has_region = Territory.objects.of_kind(TerritoryKind.REGION).exists()
    return any(
        held.kind == TerritoryKind.REGION if has_region else held.parent_id is None
        for held in territories_with_right(person, right, on=on)
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
