"""The accounts of the demonstration. They exist nowhere else."""

import base64
import datetime
import hashlib
import hmac
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.authtoken.models import Token

from bioccia.errors import StateForbidsError
from territories.actions import give_mandate, open_account, open_administration, store_organisation
from territories.models import Territory, User
from territories.states import OrganisationKind, Role, TerritoryKind

DOMAIN = "demo.example"
PASSWORD_LETTERS = 16
YEARS_OF_MANDATE = 4


@dataclass(frozen=True)
class DemoPerson:
    """One invented person."""

    mailbox: str
    full_name: str
    organisation: str
    organisation_kind: OrganisationKind
    roles: tuple[Role, ...]
    territory_kind: TerritoryKind = TerritoryKind.REGION
    is_staff: bool = False
    territory_rank: int = 0


DEMO_PEOPLE = (
    DemoPerson("botaniste", "Aliénor Castèl", "Bureau d'études Cistus", OrganisationKind.CONSULTANCY, (Role.BOTANIST,)),
    DemoPerson(
        "campagne", "Guilhem Sabatièr", "Bureau d'études Cistus", OrganisationKind.CONSULTANCY, (Role.CAMPAIGN_LEAD,)
    ),
    DemoPerson(
        "validation", "Mirèio Fabre", "Conservatoire botanique (démo)", OrganisationKind.CONSERVATORY, (Role.VALIDATOR,)
    ),
    DemoPerson(
        "photo", "Jaume Puèg", "Atelier cartographique (démo)", OrganisationKind.PRODUCER, (Role.PHOTO_INTERPRETER,)
    ),
    DemoPerson(
        "photo2",
        "Flora Teisseire",
        "Atelier cartographique (démo)",
        OrganisationKind.PRODUCER,
        (Role.PHOTO_INTERPRETER,),
    ),
    DemoPerson(
        "photo3", "Élie Cazals", "Atelier cartographique (démo)", OrganisationKind.PRODUCER, (Role.PHOTO_INTERPRETER,)
    ),
    DemoPerson(
        "ddt", "Estelle Roquefeuil", "DDT (démo)", OrganisationKind.STATE, (Role.REVIEWER,), TerritoryKind.DEPARTMENT
    ),
    DemoPerson(
        "ddt2",
        "Aurélie Cassanhas",
        "DDT voisine (démo)",
        OrganisationKind.STATE,
        (Role.REVIEWER,),
        TerritoryKind.DEPARTMENT,
        territory_rank=1,
    ),
    DemoPerson(
        "ddt3",
        "Marius Escoffièr",
        "DDT de montagne (démo)",
        OrganisationKind.STATE,
        (Role.REVIEWER,),
        TerritoryKind.DEPARTMENT,
        territory_rank=2,
    ),
    DemoPerson(
        "commune",
        "Bastian Lacroux",
        "Mairie (démo)",
        OrganisationKind.LOCAL_AUTHORITY,
        (Role.REVIEWER,),
        TerritoryKind.COMMUNE,
    ),
    DemoPerson(
        "arbitrage", "Clamença Daudé", "Atelier cartographique (démo)", OrganisationKind.PRODUCER, (Role.ADJUDICATOR,)
    ),
    DemoPerson(
        "arbitrage2", "Ramon Vidal", "Atelier cartographique (démo)", OrganisationKind.PRODUCER, (Role.ADJUDICATOR,)
    ),
    DemoPerson("appel", "Sylvane Delmas", "DREAL (démo)", OrganisationKind.STATE, (Role.APPEAL_PANEL,)),
    DemoPerson(
        "appel2",
        "Bertrand Olivièr",
        "Conservatoire botanique (démo)",
        OrganisationKind.CONSERVATORY,
        (Role.APPEAL_PANEL,),
    ),
    DemoPerson(
        "modele", "Noémie Carrière", "Atelier cartographique (démo)", OrganisationKind.PRODUCER, (Role.MODEL_ENGINEER,)
    ),
    DemoPerson("region", "Paulin Armengaud", "Région (démo)", OrganisationKind.REGION, (Role.RELEASE_ADMINISTRATOR,)),
    DemoPerson("region2", "Odile Marty", "DREAL (démo)", OrganisationKind.STATE, (Role.RELEASE_ADMINISTRATOR,)),
    DemoPerson(
        "urbanisme", "Félix Boyer", "Agence d'urbanisme (démo)", OrganisationKind.LOCAL_AUTHORITY, (Role.PLANNER,)
    ),
    DemoPerson("admin", "Administration (démo)", "Région (démo)", OrganisationKind.REGION, (), is_staff=True),
)


@dataclass(frozen=True)
class DemoAccount:
    """What somebody needs to sign in as an invented person."""

    email: str
    password: str
    token: str
    name: str
    roles: tuple[str, ...]
    territories: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For the last line of `demo_accounts`."""
        return asdict(self)


def email_of(mailbox: str) -> str:
    """The address of an invented person; `.example` can never receive mail."""
    return f"{mailbox}@{DOMAIN}"


def person_of(mailbox: str) -> User:
    """An invented person, by the name of their mailbox."""
    return User.objects.select_related("organisation").get(email=email_of(mailbox))


def password_of(email: str) -> str:
    """The password of an address: derived from the secret key of this installation, written nowhere."""
    digest = hmac.new(settings.SECRET_KEY.encode(), email.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode()[:PASSWORD_LETTERS].lower()


def are_open() -> bool:
    """Whether every invented person has an account; whether its password still holds takes longer to tell."""
    emails = {email_of(person.mailbox) for person in DEMO_PEOPLE}
    return User.objects.filter(email__in=emails).count() == len(emails)


@transaction.atomic
def open_demo_accounts(*, at: datetime.datetime) -> list[DemoAccount]:
    """Open the account of each invented person, with mandates from years ago; safe to repeat.

    Raises:
        StateForbidsError: this is no demonstration, or no region has been imported.
    """
    if not settings.DEMONSTRATION:
        raise StateForbidsError(_("This is not a demonstration: open accounts from the administration."))
    return [_open(person, at) for person in DEMO_PEOPLE]


def _open(person: DemoPerson, at: datetime.datetime) -> DemoAccount:
    email = email_of(person.mailbox)
    organisation = store_organisation(name=person.organisation, kind=person.organisation_kind)
    password = password_of(email)
    user = open_account(email=email, full_name=person.full_name, organisation=organisation, password=password)
    if person.is_staff:
        open_administration(user=user)
    territory = _territory_of(person)
    # The simulated years lie behind us, and people held their mandates then.
    first_day = datetime.date(at.year - YEARS_OF_MANDATE, 1, 1)
    for role in person.roles:
        give_mandate(user=user, role=role, territory=territory, period=(first_day, None), on=at.date())
    return DemoAccount(
        email=email,
        password=password,
        token=_token_of(user),
        name=person.full_name,
        roles=tuple(str(role) for role in person.roles) or ("administration",),
        territories=(f"{territory.kind}:{territory.code} {territory.name}",),
    )


def _territory_of(person: DemoPerson) -> Territory:
    """The territory of the person's kind and rank (the last where there are fewer), or the widest there is."""
    territories = Territory.objects.without_geometry()
    for kind in (person.territory_kind, *TerritoryKind.values):
        if found := list(territories.of_kind(kind).order_by("code")[: person.territory_rank + 1]):
            return found[-1]
    raise StateForbidsError(_("This database holds no region yet: import a region folder first."))


def _token_of(user: User) -> str:
    return Token.objects.get_or_create(user=user)[0].key
