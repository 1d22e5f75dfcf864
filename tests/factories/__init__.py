"""Rows for tests, made by factory_boy. Traits name the cases a test speaks of: `RunFactory(failed=True)`.

Places are small squares around 2.30 E, 43.60 N, beside one another: `square(column, row)` is the outline to count on.
"""

from tests.factories.audit import AuditLabelFactory, AuditPointFactory, AuditSampleFactory
from tests.factories.consultation import DAY, MINUTE, Consultation
from tests.factories.feedback import ReportFactory, ReportPolygonFactory, RoundFactory
from tests.factories.ground import (
    A_DAY,
    AN_INSTANT,
    PASSWORD,
    SIDE_DEGREES,
    SOUTH,
    WEST,
    as_multi,
    example_scores,
    square,
)
from tests.factories.habitats import (
    COLORS,
    GeneralisedPolygonFactory,
    HabitatTypeFactory,
    LegendEntryFactory,
    PolygonFactory,
    SampleFactory,
    TerritoryStatisticFactory,
    TerritoryTransitionFactory,
    TypologyFactory,
    VintageFactory,
)
from tests.factories.ml import (
    ArtefactFactory,
    ModelVersionFactory,
    PredictorLayerFactory,
    RunFactory,
    RunStepFactory,
    TrainingSetFactory,
)
from tests.factories.releves import ReleveDatasetFactory, ReleveFactory, crosswalk_to, releve_facts, spot
from tests.factories.territories import (
    MandateFactory,
    OrganisationFactory,
    OutboxMessageFactory,
    RegionFactory,
    TerritoryFactory,
    UserFactory,
    person_with,
)

__all__ = [
    "AN_INSTANT",
    "A_DAY",
    "COLORS",
    "DAY",
    "MINUTE",
    "PASSWORD",
    "SIDE_DEGREES",
    "SOUTH",
    "WEST",
    "ArtefactFactory",
    "AuditLabelFactory",
    "AuditPointFactory",
    "AuditSampleFactory",
    "Consultation",
    "GeneralisedPolygonFactory",
    "HabitatTypeFactory",
    "LegendEntryFactory",
    "MandateFactory",
    "ModelVersionFactory",
    "OrganisationFactory",
    "OutboxMessageFactory",
    "PolygonFactory",
    "PredictorLayerFactory",
    "RegionFactory",
    "ReleveDatasetFactory",
    "ReleveFactory",
    "ReportFactory",
    "ReportPolygonFactory",
    "RoundFactory",
    "RunFactory",
    "RunStepFactory",
    "SampleFactory",
    "TerritoryFactory",
    "TerritoryStatisticFactory",
    "TerritoryTransitionFactory",
    "TrainingSetFactory",
    "TypologyFactory",
    "UserFactory",
    "VintageFactory",
    "as_multi",
    "crosswalk_to",
    "example_scores",
    "person_with",
    "releve_facts",
    "spot",
    "square",
]
