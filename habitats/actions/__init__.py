"""Every write about typologies, samples, vintages and their polygons."""

from habitats.actions.legend import store_legend
from habitats.actions.samples import store_samples
from habitats.actions.typologies import (
    Correspondence,
    CrosswalkFacts,
    HabitatRow,
    TypologyFacts,
    store_crosswalk,
    store_typology,
)
from habitats.actions.vintages import (
    create_vintage,
    discard_unfinished,
    load_polygons,
    open_vintage,
    publish_vintage,
    record_metrics,
    store_generalised,
    store_statistics,
    store_transitions,
)

__all__ = [
    "Correspondence",
    "CrosswalkFacts",
    "HabitatRow",
    "TypologyFacts",
    "create_vintage",
    "discard_unfinished",
    "load_polygons",
    "open_vintage",
    "publish_vintage",
    "record_metrics",
    "store_crosswalk",
    "store_generalised",
    "store_legend",
    "store_samples",
    "store_statistics",
    "store_transitions",
    "store_typology",
]
