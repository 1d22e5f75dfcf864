"""The invented people of the demonstration: who they work for, what they may do, and where."""

from dataclasses import dataclass

from territories.states import OrganisationKind, Role, TerritoryKind


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
        "ddt", "Estelle Roquefeuil", "DDT (démo)", OrganisationKind.STATE, (Role.REVIEWER,), TerritoryKind.DEPARTMENT
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
        "modele", "Noémie Carrière", "Atelier cartographique (démo)", OrganisationKind.PRODUCER, (Role.MODEL_ENGINEER,)
    ),
    DemoPerson("region", "Paulin Armengaud", "Région (démo)", OrganisationKind.REGION, (Role.RELEASE_ADMINISTRATOR,)),
    DemoPerson("region2", "Odile Marty", "DREAL (démo)", OrganisationKind.STATE, (Role.RELEASE_ADMINISTRATOR,)),
    DemoPerson(
        "urbanisme", "Félix Boyer", "Agence d'urbanisme (démo)", OrganisationKind.LOCAL_AUTHORITY, (Role.PLANNER,)
    ),
    DemoPerson("admin", "Administration (démo)", "Région (démo)", OrganisationKind.REGION, (), is_staff=True),
)
