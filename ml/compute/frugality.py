"""What a run says of its cost: the pace, and what a whole vintage takes at that pace."""

from dataclasses import dataclass

from ml.compute.energy import Meter

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class VintageAssumptions:
    """What a vintage is taken to be.

    Attributes:
        cells: of a whole vintage; None for as many as the run has mapped.
        processors: that share the work, without loss.
        euros_per_cpu_hour: price of a processor, of the size of a rented virtual machine's.
    """

    cells: int | None = None
    processors: int = 2
    euros_per_cpu_hour: float = 0.03


def pace_of(meter: Meter, cells: int, assumptions: VintageAssumptions) -> dict[str, object]:
    """The pace of a run, and a vintage projected from it.

    Args:
        meter: closed around the run.
        cells: that it mapped, those without data included.
        assumptions: what a vintage is taken to be.

    Returns:
        `cells_per_cpu_second`, and `vintage` with its cells, hours, cost and energy, all projected.
    """
    cpu_seconds = max(meter.cpu_seconds, 1e-9)
    whole = assumptions.cells or cells
    cpu_hours = cpu_seconds / cells * whole / SECONDS_PER_HOUR
    return {
        "cells_per_cpu_second": round(cells / cpu_seconds),
        "vintage": {
            "projected": True,
            "cells": whole,
            "cpu_hours": round(cpu_hours, 4),
            "processors": assumptions.processors,
            "hours": round(cpu_hours / assumptions.processors, 4),
            "euros_per_cpu_hour": assumptions.euros_per_cpu_hour,
            "euros": round(cpu_hours * assumptions.euros_per_cpu_hour, 4),
            "energy_wh": round(meter.energy_wh / cells * whole, 4),
        },
    }
