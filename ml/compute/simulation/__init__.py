"""A simulated region with Occitanie's character, its years of images, samples and territories."""

from ml.compute.simulation.options import FIRST_YEAR, SimulationOptions
from ml.compute.simulation.region import Progress, add_simulated_years, simulate_region

__all__ = ["FIRST_YEAR", "Progress", "SimulationOptions", "add_simulated_years", "simulate_region"]
