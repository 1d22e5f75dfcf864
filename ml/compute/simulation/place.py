"""Where the simulated region stands: Lambert-93, on the shore of the gulf of Lion."""

from affine import Affine

from ml.compute.simulation.options import SimulationOptions

EPSG = 2154
WEST_M = 692_000.0
NORTH_M = 6_226_000.0


def grid_transform(options: SimulationOptions) -> Affine:
    """Return the transform from (column, row) to metres of EPSG:2154."""
    return Affine(options.cell_m, 0, WEST_M, 0, -options.cell_m, NORTH_M)
