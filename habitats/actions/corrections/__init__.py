"""Every write about corrections: decide, revert, take over into a new map. The caller has asked for the right."""

from habitats.actions.corrections.bind import Evidence, bind_correction, copy_corrections, drop_correction
from habitats.actions.corrections.decide import correct_outline, correct_polygons
from habitats.actions.corrections.revert import revert_correction

__all__ = [
    "Evidence",
    "bind_correction",
    "copy_corrections",
    "correct_outline",
    "correct_polygons",
    "drop_correction",
    "revert_correction",
]
