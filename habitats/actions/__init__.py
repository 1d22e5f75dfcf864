"""Every write about typologies, samples, vintages, their polygons and corrections."""

from habitats.actions.audit import (
    close_labelling,
    draw_audit_sample,
    label_point,
    open_audit,
    redraw_audit_sample,
)
from habitats.actions.corrections import (
    Evidence,
    bind_correction,
    copy_corrections,
    correct_outline,
    correct_polygons,
    drop_correction,
    revert_correction,
)
from habitats.actions.errata import copy_vintage
from habitats.actions.legend import store_legend
from habitats.actions.samples import retire_sample, store_report_sample, store_samples
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
    forget_counts,
    forget_low_zooms,
    load_polygons,
    open_vintage,
    publish_vintage,
    record_metrics,
    store_generalised,
    store_statistics,
    store_transitions,
    withdraw_vintage,
)

__all__ = [
    "Correspondence",
    "CrosswalkFacts",
    "Evidence",
    "HabitatRow",
    "TypologyFacts",
    "bind_correction",
    "close_labelling",
    "copy_corrections",
    "copy_vintage",
    "correct_outline",
    "correct_polygons",
    "create_vintage",
    "discard_unfinished",
    "draw_audit_sample",
    "drop_correction",
    "forget_counts",
    "forget_low_zooms",
    "label_point",
    "load_polygons",
    "open_audit",
    "open_vintage",
    "publish_vintage",
    "record_metrics",
    "redraw_audit_sample",
    "retire_sample",
    "revert_correction",
    "store_crosswalk",
    "store_generalised",
    "store_legend",
    "store_report_sample",
    "store_samples",
    "store_statistics",
    "store_transitions",
    "store_typology",
    "withdraw_vintage",
]
