"""Every write about relevés, by who does it."""

from habitats.actions.releves.facts import CitedHabitat, CitedSpecies, ReleveFacts
from habitats.actions.releves.judging import confirm_habitat, validate_releve, validate_releves
from habitats.actions.releves.surveys import (
    discard_draft,
    import_releves,
    save_releve,
    store_releve_dataset,
    submit_releve,
)

__all__ = [
    "CitedHabitat",
    "CitedSpecies",
    "ReleveFacts",
    "confirm_habitat",
    "discard_draft",
    "import_releves",
    "save_releve",
    "store_releve_dataset",
    "submit_releve",
    "validate_releve",
    "validate_releves",
]
