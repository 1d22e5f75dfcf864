"""Every write about places and people."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.db import transaction
from django.utils.translation import gettext as _
from guardian.models import GroupObjectPermission
from guardian.shortcuts import assign_perm

from bioccia.errors import StateForbidsError
from territories import notifications
from territories.models import Mandate, Organisation, OutboxMessage, Region, Territory, User
from territories.permissions import group_name
from territories.states import RIGHTS_OF_ROLE, Role, TerritoryKind

logger = structlog.get_logger(__name__)
FIRST_REST = datetime.timedelta(minutes=1)
PARENT_ORDER = (TerritoryKind.COMMUNE, TerritoryKind.REGION, TerritoryKind.EPCI, TerritoryKind.DEPARTMENT)


@transaction.atomic
def store_region(*, slug: str, footprint: GEOSGeometry, at: datetime.datetime, **facts: Any) -> Region:
    """Write or rewrite the one region of this database.

    Args:
        slug: its short name.
        footprint: SRID 4326.
        at: the moment.
        **facts: the other fields of Region.

    Raises:
        StateForbidsError: the database holds the maps of another region.
    """
    region = Region.objects.select_for_update().first() or Region(slug=slug)
    if region.slug != slug and region.years:
        raise StateForbidsError(
            _(
                "This database holds the region %(known)s. Each region has its own: set BIOCCIA_REGION=%(slug)s, or "
                "use make run REGION=DIR, which does it."
            )
            % {"known": region.slug, "slug": slug}
        )
    for name, value in {**facts, "slug": slug, "footprint": as_multipolygon(footprint), "imported_at": at}.items():
        setattr(region, name, value)
    region.save()
    return region


@transaction.atomic
def store_territories(*, kind: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write the territories of one kind: widest kinds first, since parents are looked up by code.

    Args:
        kind: a TerritoryKind.
        rows: `code, name, parent_code, epci_code, geometry` (SRID 4326), `geometry_3857`, `area_m2`.
    """
    known = Territory.objects.exclude(kind=kind).values_list("kind", "code", "pk")
    # Where two kinds share a code, the narrower one is the parent.
    parents = {code: pk for _kind, code, pk in sorted(known, key=lambda row: PARENT_ORDER.index(row[0]))}
    epcis = dict(Territory.objects.filter(kind="epci").values_list("code", "pk"))
    territories = [
        Territory(
            kind=kind,
            code=row["code"],
            name=row["name"],
            parent_id=parents.get(row.get("parent_code") or ""),
            epci_id=epcis.get(row.get("epci_code") or ""),
            geometry=row["geometry"],
            geometry_3857=row["geometry_3857"],
            area_m2=row["area_m2"],
        )
        for row in rows
    ]
    Territory.objects.bulk_create(
        territories,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["kind", "code"],
        update_fields=["name", "parent", "epci", "geometry", "geometry_3857", "area_m2"],
    )
    return len(territories)


@transaction.atomic
def give_mandate(
    *,
    user: User,
    role: Role,
    territory: Territory,
    period: tuple[datetime.date, datetime.date | None],
    on: datetime.date,
    habitat_branch: str = "",
) -> Mandate:
    """Give a person a role on a territory; repeating it changes only the last day.

    Args:
        user: the person.
        role: what they may do.
        territory: where.
        period: first day, and last day or None.
        on: today; the rights follow at once where the period holds it.
        habitat_branch: the beginning of codes ("E1": E1 and below); empty: every habitat.
    """
    starts_on, ends_on = period
    mandate, _created = Mandate.objects.update_or_create(
        user=user,
        role=role,
        territory=territory,
        habitat_branch=habitat_branch.strip(),
        starts_on=starts_on,
        defaults={"ends_on": ends_on},
    )
    refresh_grants_of(user, on=on)
    return mandate


@transaction.atomic
def refresh_grants_of(user: User, *, on: datetime.date) -> None:
    """Put the person in the groups of their mandates in force, and out of the others."""
    groups = [
        _group_of(mandate.role, mandate.territory) for mandate in user.mandates.in_force(on).select_related("territory")
    ]
    kept = user.groups.exclude(name__contains="@")
    user.groups.set([*kept, *groups])


def _group_of(role: str, territory: Territory) -> Group:
    """The group of (role, territory), with the grants that the role has today: a right may have come since."""
    group = Group.objects.get_or_create(name=group_name(role, territory))[0]
    held = GroupObjectPermission.objects.filter(group=group, object_pk=str(territory.pk))
    known = set(held.values_list("permission__codename", flat=True))
    for right in RIGHTS_OF_ROLE[Role(role)]:
        if right not in known:
            assign_perm(f"territories.{right}", group, territory)
    return group


@transaction.atomic
def open_account(*, email: str, full_name: str, organisation: Organisation | None, password: str | None) -> User:
    """Make a person, or give an existing one another name and, where it differs, password (their sessions end)."""
    user = User.objects.filter(email__iexact=email).first() or User(email=email.lower())
    user.full_name, user.organisation = full_name, organisation
    if password is None or not user.check_password(password):
        user.set_password(password)
    user.save()
    # The Region vouches for the address: allauth asks for a verified one before two-step sign-in.
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return user


def store_organisation(*, name: str, kind: str) -> Organisation:
    """Write an organisation, known by its name."""
    return Organisation.objects.update_or_create(name=name, defaults={"kind": kind})[0]


def open_administration(*, user: User) -> None:
    """Let a person open the administration, and do everything there."""
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])


def queue_mail(*, recipient: str, subject: str, body: str, at: datetime.datetime) -> OutboxMessage:
    """Put a mail in the outbox, in the caller's transaction."""
    return OutboxMessage.objects.create(recipient=recipient, subject=subject, body=body, created_at=at)


def send_waiting_mail(*, at: datetime.datetime) -> int:
    """Send a batch of the mail that waits; each leaves once, also when two workers send at the same moment.

    An address that fails rests longer each time, and is given up after MAIL_MAX_FAILURES.

    Returns:
        How many were sent.
    """
    waiting = OutboxMessage.objects.due(at).order_by("created_at", "pk").values_list("pk", flat=True)
    return sum(_send(pk, at) for pk in list(waiting[: settings.MAIL_BATCH]))


@transaction.atomic
def _send(pk: int, at: datetime.datetime) -> bool:
    message = OutboxMessage.objects.due(at).select_for_update(skip_locked=True).filter(pk=pk).first()
    if message is None:
        return False
    try:
        notifications.deliver(message)
    except notifications.NotDeliveredError as failure:
        message.failures += 1
        message.last_failure = str(failure)[:300]
        message.next_try_at = at + FIRST_REST * 2 ** (message.failures - 1)
        message.save(update_fields=["failures", "last_failure", "next_try_at"])
        logger.warning("mail not sent", message=pk, failures=message.failures, why=message.last_failure)
        return False
    message.sent_at = at
    message.save(update_fields=["sent_at"])
    return True


def as_multipolygon(geometry: GEOSGeometry) -> MultiPolygon:
    """One column type for polygons of one and of several parts."""
    return geometry if isinstance(geometry, MultiPolygon) else MultiPolygon(geometry, srid=geometry.srid)
