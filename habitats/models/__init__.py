"""Tables of habitats, by concern."""

from habitats.models.ablations import Ablation
from habitats.models.audit import AuditLabel, AuditPoint, AuditSample
from habitats.models.corrections import BoundCorrection, CorrectedPiece, Correction
from habitats.models.releves import (
    Determination,
    Releve,
    ReleveDataset,
    ReleveSpecies,
    ReleveUpload,
    ReleveValidation,
)
from habitats.models.samples import Sample
from habitats.models.typologies import Crosswalk, CrosswalkRow, HabitatType, LegendEntry, Typology
from habitats.models.vintages import (
    GeneralisedPolygon,
    Polygon,
    TerritoryStatistic,
    TerritoryTransition,
    Vintage,
)

__all__ = [
    "Ablation",
    "AuditLabel",
    "AuditPoint",
    "AuditSample",
    "BoundCorrection",
    "CorrectedPiece",
    "Correction",
    "Crosswalk",
    "CrosswalkRow",
    "Determination",
    "GeneralisedPolygon",
    "HabitatType",
    "LegendEntry",
    "Polygon",
    "Releve",
    "ReleveDataset",
    "ReleveSpecies",
    "ReleveUpload",
    "ReleveValidation",
    "Sample",
    "TerritoryStatistic",
    "TerritoryTransition",
    "Typology",
    "Vintage",
]
