"""Kinds of territories, roles, and what each role may do."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class TerritoryKind(TextChoices):
    """From the widest to the narrowest."""

    REGION = "region", _("region")
    DEPARTMENT = "department", _("department")
    EPCI = "epci", _("intercommunality")
    COMMUNE = "commune", _("commune")


class Role(TextChoices):
    """What a mandate lets a person do, on its territory and for its period."""

    BOTANIST = "botanist", _("botanist")
    CAMPAIGN_LEAD = "campaign_lead", _("campaign lead")
    VALIDATOR = "validator", _("scientific validator")
    PHOTO_INTERPRETER = "photo_interpreter", _("photo-interpreter")
    REVIEWER = "reviewer", _("reviewer")
    ADJUDICATOR = "adjudicator", _("adjudicator")
    APPEAL_PANEL = "appeal_panel", _("appeal panel")
    MODEL_ENGINEER = "model_engineer", _("model engineer")
    RELEASE_ADMINISTRATOR = "release_administrator", _("release administrator")
    PLANNER = "planner", _("planner")


# Each right is a permission on Territory, granted to the group of (role, territory) through django-guardian.
RIGHTS_OF_ROLE: dict[Role, tuple[str, ...]] = {
    Role.BOTANIST: ("see_working_vintage", "survey"),
    Role.CAMPAIGN_LEAD: ("see_working_vintage", "see_samples", "lead_campaign"),
    Role.VALIDATOR: ("see_working_vintage", "see_samples", "validate_releve"),
    Role.PHOTO_INTERPRETER: ("see_working_vintage", "see_samples", "interpret"),
    Role.REVIEWER: ("see_working_vintage", "contest"),
    Role.ADJUDICATOR: ("see_working_vintage", "see_samples", "decide"),
    Role.APPEAL_PANEL: ("see_working_vintage", "see_samples", "decide_appeal"),
    Role.MODEL_ENGINEER: ("see_working_vintage", "see_samples", "run_models", "decide_version"),
    Role.RELEASE_ADMINISTRATOR: ("see_working_vintage", "see_samples", "release", "stop_runs"),
    Role.PLANNER: (),
}

# What concerns the map as a whole: a mandate for some habitats only never gives it.
RIGHTS_OF_EVERY_HABITAT = frozenset({"interpret", "run_models", "decide_version", "release", "stop_runs"})


class OrganisationKind(TextChoices):
    """Who employs the people."""

    REGION = "region", _("Region")
    STATE = "state", _("State service (DDT, DREAL)")
    LOCAL_AUTHORITY = "local_authority", _("commune, intercommunality, planning agency")
    CONSERVATORY = "conservatory", _("botanical conservatory")
    CONSULTANCY = "consultancy", _("consultancy")
    ASSOCIATION = "association", _("association")
    PRODUCER = "producer", _("map producer")
    OTHER = "other", _("other")
