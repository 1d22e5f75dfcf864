"""The relevés that partners hand in after a season, to be validated: a table as field notebooks give it."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from ml.compute.simulation.habitats import CODES, NUMBERS
from ml.compute.simulation.landscape import Classes, Landscape
from ml.compute.simulation.options import SimulationOptions, random_stream
from ml.compute.simulation.place import EPSG, grid_transform
from ml.compute.simulation.surveys import BOTANISTS, GPS_ERROR_M, field_day, kept_within, name_written

RELEVES_A_YEAR = 80
# Wrong names are those of the observers of the samples, one in twenty; a notebook is also misread now and then.
MISPLACED_SHARE = 0.03
MISPLACED_M = 150.0
SURVEYED_M2 = (16, 25, 50, 100)
MARGIN_CELLS = 3
COLUMNS = (
    "id_releve", "date", "observateurs", "x", "y", "epsg", "precision_m", "habitat", "recouvrement_pct", "surface_m2",
    "methode", "commentaire",
)  # fmt: skip


def survey_releves(options: SimulationOptions, landscape: Landscape, year: int, truth: Classes) -> pd.DataFrame:
    """Return some 80 relevés of a year, with COLUMNS, sorted by date.

    Args:
        options: the seed and the size of the region.
        landscape: for the season by height.
        year: of the surveys.
        truth: (size, size) number of the habitat of each cell this year.
    """
    rng = random_stream(options.seed, "releves handed in", year)
    land = _on_land(landscape.settlements.commune, options.size_px)
    cells = _cells(rng, np.where(land, truth, 0))
    rows = [_releve(options, landscape, year, (int(cell), int(truth.ravel()[cell])), rng) for cell in cells]
    _bring_ashore(rows, cells, land, options)
    frame = pd.DataFrame(rows).sort_values(["date", "x", "y"], ignore_index=True)
    frame["id_releve"] = [f"SIM-{year}-{number:03d}" for number in range(1, len(frame) + 1)]
    return frame[list(COLUMNS)]


def _on_land(commune: NDArray[np.int32], size: int) -> NDArray[np.bool_]:
    """Return (size, size) the cells well inside the communes: a mandate ends where they do."""
    inner = ndimage.binary_erosion(commune >= 0, iterations=2)
    place = (np.arange(size) * commune.shape[0] // size).astype(int)
    land: NDArray[np.bool_] = inner[np.ix_(place, place)]
    land[:MARGIN_CELLS] = land[-MARGIN_CELLS:] = land[:, :MARGIN_CELLS] = land[:, -MARGIN_CELLS:] = False
    return land


def _bring_ashore(
    rows: list[dict[str, str | int | float]],
    cells: list[np.int64],
    land: NDArray[np.bool_],
    options: SimulationOptions,
) -> None:
    """Give back its true cell to a relevé that an error of position carried off the land."""
    transform = grid_transform(options)
    for row, cell in zip(rows, cells, strict=True):
        column, line = ~transform @ (float(row["x"]), float(row["y"]))
        if not land[int(line), int(column)]:
            true_line, true_column = divmod(int(cell), options.size_px)
            x, y = transform @ (true_column + 0.5, true_line + 0.5)
            row["x"], row["y"] = round(x, 1), round(y, 1)


def _cells(rng: np.random.Generator, truth: Classes) -> list[np.int64]:
    """Return the flat indices of the surveyed cells: common habitats more often, the sea hardly ever."""
    flat = truth.ravel()
    area = np.bincount(flat, minlength=len(CODES) + 1).astype(float)
    area[0] = 0
    area[NUMBERS["A5.2"]] *= 0.02
    chosen = rng.choice(len(CODES) + 1, RELEVES_A_YEAR, p=np.sqrt(area) / np.sqrt(area).sum())
    return [rng.choice(np.flatnonzero(flat == number)) for number in chosen]


def _releve(
    options: SimulationOptions, landscape: Landscape, year: int, place: tuple[int, int], rng: np.random.Generator
) -> dict[str, str | int | float]:
    """Return one relevé at a (flat cell, habitat)."""
    cell, number = place
    row, column = divmod(cell, options.size_px)
    observer, error_rate = BOTANISTS[rng.integers(len(BOTANISTS))]
    error_m = MISPLACED_M if rng.random() < MISPLACED_SHARE else GPS_ERROR_M / np.sqrt(2)
    x, y = grid_transform(options) @ (column + rng.random(), row + rng.random())
    east, south = rng.normal(0, error_m, 2)
    x, y = kept_within(options, x + east, y + south)
    return {
        "date": field_day(year, landscape.relief.elevation[row, column], rng),
        "observateurs": observer,
        "x": x,
        "y": y,
        "epsg": EPSG,
        "precision_m": int(rng.choice([5, 8, 10, 15])),
        "habitat": name_written(number, error_rate, rng),
        "recouvrement_pct": int(rng.integers(16, 21)) * 5,
        "surface_m2": int(rng.choice(SURVEYED_M2)),
        "methode": "relevé phytosociologique",
        "commentaire": "mosaïque fine aux abords" if rng.random() < 0.1 else "",
    }
