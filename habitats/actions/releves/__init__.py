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
from habitats.actions.releves.uploads import correct_cells, forget_releve_upload, keep_releve_upload

__all__ = [
    "CitedHabitat",
    "CitedSpecies",
    "ReleveFacts",
    "confirm_habitat",
    "correct_cells",
    "discard_draft",
    "forget_releve_upload",
    "import_releves",
    "keep_releve_upload",
    "save_releve",
    "store_releve_dataset",
    "submit_releve",
    "validate_releve",
    "validate_releves",
]
