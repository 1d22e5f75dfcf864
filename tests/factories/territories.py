"""Places and people."""

import factory
from factory.django import DjangoModelFactory

from territories import actions
from territories.models import Mandate, Organisation, OutboxMessage, Region, Territory, User
from territories.states import OrganisationKind, Role, TerritoryKind
from tests.factories.ground import A_DAY, AN_INSTANT, PASSWORD, SIDE_DEGREES, as_multi, square


class RegionFactory(DjangoModelFactory):
    """The one region: asking again gives the same."""

    class Meta:
        model = Region
        django_get_or_create = ("slug",)

    class Params:
        simulated = factory.Trait(is_simulated=True)

    slug = "test"
    name = "Petite région"
    epsg = 2154
    resolution_m = 10.0
    typology_code = "EUNIS2012"
    attribution = "Région d'essai"
    licence = "Licence Ouverte 2.0"
    folder = "region"
    years = [2023, 2024]
    footprint = factory.LazyFunction(lambda: as_multi(square(side=4 * SIDE_DEGREES)))
    imported_at = AN_INSTANT


class TerritoryFactory(DjangoModelFactory):
    """A commune unless a trait says otherwise; pass `outline=square(2, 1)` to place it."""

    class Meta:
        model = Territory
        django_get_or_create = ("kind", "code")

    class Params:
        region = factory.Trait(kind=TerritoryKind.REGION, code="76", name="Petite région")
        department = factory.Trait(
            kind=TerritoryKind.DEPARTMENT, code=factory.Sequence(lambda n: f"D{n}"), name="Département d'essai"
        )
        intercommunality = factory.Trait(
            kind=TerritoryKind.EPCI, code=factory.Sequence(lambda n: f"2000{n:05d}"), name="Communauté de communes"
        )
        outline = factory.LazyFunction(square)

    kind = TerritoryKind.COMMUNE
    code = factory.Sequence(lambda n: f"99{n:03d}")
    name = factory.Sequence(lambda n: f"Saint-Essai-{n}")
    parent = None
    epci = None
    geometry = factory.LazyAttribute(lambda row: as_multi(row.outline))
    geometry_3857 = factory.LazyAttribute(lambda row: as_multi(row.outline.transform(3857, clone=True)))
    area_m2 = factory.LazyAttribute(lambda row: row.outline.transform(2154, clone=True).area)


class OrganisationFactory(DjangoModelFactory):
    """An employer."""

    class Meta:
        model = Organisation
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"Bureau d'études {n}")
    kind = OrganisationKind.CONSULTANCY


class UserFactory(DjangoModelFactory):
    """A person without a mandate, whose password is PASSWORD; `administrator=True` opens the administration."""

    class Meta:
        model = User

    class Params:
        administrator = factory.Trait(is_staff=True, is_superuser=True)

    email = factory.Sequence(lambda n: f"person{n}@example.org")
    full_name = factory.Sequence(lambda n: f"Personne {n}")
    password = factory.django.Password(PASSWORD)


class MandateFactory(DjangoModelFactory):
    """A mandate given by its action, so that groups and grants follow. Traits name the roles used most."""

    class Meta:
        model = Mandate

    class Params:
        engineer = factory.Trait(role=Role.MODEL_ENGINEER)
        release_administrator = factory.Trait(role=Role.RELEASE_ADMINISTRATOR)
        reviewer = factory.Trait(role=Role.REVIEWER)

    user = factory.SubFactory(UserFactory)
    role = Role.MODEL_ENGINEER
    territory = factory.SubFactory(TerritoryFactory, region=True)
    starts_on = A_DAY
    ends_on = None

    @classmethod
    def _create(cls, model_class, *args, **fields):
        period = (fields.pop("starts_on"), fields.pop("ends_on"))
        return actions.give_mandate(**fields, period=period, on=A_DAY)


def person_with(role, territory=None):
    """A person who holds a role (on the whole region unless a territory is given)."""
    place = {"territory": territory} if territory else {}
    return MandateFactory(role=role, **place).user


class OutboxMessageFactory(DjangoModelFactory):
    """A mail that waits."""

    class Meta:
        model = OutboxMessage

    recipient = "someone@example.org"
    subject = "Bonjour"
    body = "Bonjour."
    created_at = AN_INSTANT
