"""Region folders: what `region.toml`, the legend, the stacks, the samples and the territories must hold."""

from ml.compute.region.bands import StackBand, stack_bands
from ml.compute.region.checks import check_region_folder
from ml.compute.region.folder import RegionFolder, read_region_folder
from ml.compute.region.legend import STAKES, LegendRow, read_legend
from ml.compute.region.predictors import Predictor
from ml.compute.region.vectors import read_samples, read_territory_file, read_territory_layers

__all__ = [
    "STAKES",
    "LegendRow",
    "Predictor",
    "RegionFolder",
    "StackBand",
    "check_region_folder",
    "read_legend",
    "read_region_folder",
    "read_samples",
    "read_territory_file",
    "read_territory_layers",
    "stack_bands",
]
