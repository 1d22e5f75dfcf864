"""What a simulated region is made from: its seed, its size, its years; and the random streams drawn from them."""

import zlib
from dataclasses import dataclass

import numpy as np

from ml.compute.errors import ComputeError

FIRST_YEAR = 2024
FULL_SIZE_PX = 2000
SMALLEST_SIZE_PX = 100
LARGEST_SIZE_PX = 4000
COMMUNES_OF_A_FULL_REGION = 30
DEPARTMENTS = 3
COMMUNES_OF_THE_SMALLEST_REGION = 6


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """The choices of a simulated region.

    Attributes:
        seed: the same seed gives the same bytes.
        years: vintages to write, any of FIRST_YEAR or later; each is the same whatever the others.
        size_px: cells along each side. A smaller region is the same transect, compressed.
        cell_m: side of a cell, in metres.
        date_count: acquisition dates per year.
    """

    seed: int = 1
    years: tuple[int, ...] = (FIRST_YEAR, FIRST_YEAR + 1)
    size_px: int = FULL_SIZE_PX
    cell_m: float = 10.0
    date_count: int = 12

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ComputeError(f"--seed is {self.seed}; give a whole number of 0 or more.")
        if not SMALLEST_SIZE_PX <= self.size_px <= LARGEST_SIZE_PX:
            raise ComputeError(
                f"--size-px is {self.size_px}; give a number from {SMALLEST_SIZE_PX} to {LARGEST_SIZE_PX}."
            )
        if not self.years or min(self.years) < FIRST_YEAR or len(set(self.years)) != len(self.years):
            raise ComputeError(
                f"--years is {list(self.years)}; give different years, none before {FIRST_YEAR}, "
                "where the simulated history starts."
            )
        if self.cell_m <= 0 or not 1 <= self.date_count <= 12:
            raise ComputeError("A cell needs a side of more than 0 m, and a year from 1 to 12 dates.")

    @property
    def commune_count(self) -> int:
        """How many communes fit: thirty in a full region, a multiple of the three departments in a smaller one."""
        wanted = round(COMMUNES_OF_A_FULL_REGION * self.size_px / FULL_SIZE_PX)
        per_department = max(COMMUNES_OF_THE_SMALLEST_REGION, min(COMMUNES_OF_A_FULL_REGION, wanted)) // DEPARTMENTS
        return per_department * DEPARTMENTS

    @property
    def shrink(self) -> float:
        """Side of this region over that of the full one (1 = 20 km at 10 m)."""
        return self.size_px / FULL_SIZE_PX


def random_stream(seed: int, purpose: str, year: int = 0) -> np.random.Generator:
    """Return the generator of one purpose, independent of every other purpose and year."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), year])


def hash_seed(seed: int, purpose: str, year: int = 0) -> np.uint64:
    """Return a 64-bit key for the kernels that draw by hashing a cell's position."""
    return np.uint64(random_stream(seed, purpose, year).integers(1, 2**62))
