"""Invented departments, groups of communes and communes, as outlines that share their edges."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features
from scipy import ndimage

from ml.compute.simulation.options import DEPARTMENTS, SimulationOptions
from ml.compute.simulation.place import EPSG, grid_transform
from ml.compute.simulation.settlements import GROWTH, Settlements

KINDS = ("region", "department", "epci", "commune")
REGION_CODE = "XR"
REGION_NAME = "Région simulée (démonstration)"
_DEPARTMENT_NAMES = ("Arène-Maritime", "Haute-Salanque", "Serres-d'Aurenque")
# The northern and the southern department are split in two, from the coast to the mountain.
_EPCI_NAMES = (
    ("Lagunes d'Arène", "Hautes Serres d'Arène"),
    ("Salanque et Garrigues",),
    ("Plaine d'Aurenque", "Monts d'Aurenque"),
)
# From the shore to the mountain. None is the name of a commune of Occitanie.
_COMMUNE_NAMES = (
    "Portalhac-Plage", "Salanques-les-Étangs", "Cabanial-de-Mar", "Tamarissès-sur-Grau", "Sansoulhac",
    "Vinhalières", "Maussanègues", "Pérolhargues", "Sérignolles", "Campestralh", "Tourbezac-la-Plaine",
    "Aubaïrolles", "Bessanègues", "Montredoulès", "Cazalrenc", "Roquebrunelle", "Peyrescalès",
    "Lauzerolles-le-Vieux", "Garrigolles", "Clapassol", "Ferralbès", "Olmedelles", "Combescurade",
    "Escaravalhes", "Castanhol", "Puèchmaurel", "Pradelhannes", "Fajoulède", "Estanhoulet-le-Haut",
    "Malpertus-des-Neiges",
)  # fmt: skip
# In cells of the growth grid: what makes a staircase of cells a line that a surveyor could have drawn.
_SIMPLIFY_CELLS = 2.6
_ROUNDING_CELLS = 1.2


@dataclass(frozen=True, slots=True)
class _Commune:
    """Who a commune belongs to; `place` is its number on the growth grid."""

    place: int
    code: str
    name: str
    department: int
    epci_code: str


def draw_territories(options: SimulationOptions, settlements: Settlements) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of territories.gpkg, widest first; codes start with X, as no INSEE code does.

    Args:
        options: the region.
        settlements: villages and the land that belongs to each.

    Returns:
        For each of KINDS, columns code, name, parent_code (communes also epci_code) and MultiPolygon
        geometry in EPSG:2154; each layer is a valid coverage, and each nests in the wider ones.
    """
    outlines = _commune_outlines(options, settlements.commune)
    communes = _name_communes(settlements)
    members = [outlines[commune.place] for commune in communes]
    rows = [
        {"code": c.code, "name": c.name, "parent_code": _department_code(c.department), "epci_code": c.epci_code}
        for c in communes
    ]
    departments = [
        {"code": _department_code(i), "name": name, "parent_code": REGION_CODE}
        for i, name in enumerate(_DEPARTMENT_NAMES)
    ]
    by_department = [[m for m, c in zip(members, communes, strict=True) if c.department == i] for i in range(3)]
    groups = _epci_rows(communes)
    by_group = [[m for m, c in zip(members, communes, strict=True) if c.epci_code == row["code"]] for row in groups]
    region = [{"code": REGION_CODE, "name": REGION_NAME, "parent_code": ""}]
    return {
        "region": _layer(region, [members]),
        "department": _layer(departments, by_department),
        "epci": _layer(groups, by_group),
        "commune": _layer(rows, [[member] for member in members]),
    }


def _department_code(place: int) -> str:
    return f"X{place + 1}"


def _epci_code(department: int, half: int) -> str:
    return f"XE{department + 1}{half + 1}"


def _epci_rows(communes: list[_Commune]) -> list[dict[str, str]]:
    used = {commune.epci_code for commune in communes}
    return [
        {"code": code, "name": f"Communauté de communes {name}", "parent_code": REGION_CODE}
        for i, names in enumerate(_EPCI_NAMES)
        for half, name in enumerate(names)
        if (code := _epci_code(i, half)) in used
    ]


def _name_communes(settlements: Settlements) -> list[_Commune]:
    """Name communes from the shore to the mountain, then list them by code."""
    villages, owner = settlements.villages, settlements.village_department
    inland = ((1 - villages[:, 0]) + (1 - villages[:, 1])) / 2
    rank = np.argsort(np.argsort(inland))
    spread = np.linspace(0, len(_COMMUNE_NAMES) - 1, len(villages)).round().astype(int)
    communes = []
    for department in range(DEPARTMENTS):
        places = np.flatnonzero(owner == department)
        places = places[np.argsort(inland[places])]
        halves = len(_EPCI_NAMES[department])
        for number, place in enumerate(places):
            half = number * halves // len(places)
            communes.append(
                _Commune(
                    place=int(place),
                    code=f"{_department_code(department)}{number + 1:03d}",
                    name=_COMMUNE_NAMES[spread[rank[place]]],
                    department=department,
                    epci_code=_epci_code(department, half),
                )
            )
    return communes


def _commune_outlines(options: SimulationOptions, commune: NDArray[np.int32]) -> list[shapely.Geometry]:
    """Return the simplified outline of each commune, in its order on the growth grid."""
    whole = _without_scraps(_rounded(commune))
    parts: list[list[shapely.Geometry]] = [[] for _ in range(int(whole.max()) + 1)]
    for shape, value in features.shapes(whole, mask=whole >= 0, connectivity=4):
        parts[int(value)].append(shapely.geometry.shape(shape))
    # A coverage needs a vertex wherever three outlines meet: put one at each corner of a cell.
    stairs = shapely.segmentize([shapely.union_all(part) for part in parts], 1.0)
    stairs = shapely.transform(stairs, np.round)
    lines = shapely.coverage_simplify(stairs, tolerance=_SIMPLIFY_CELLS)
    cell_m = options.size_px * options.cell_m / GROWTH
    corner = grid_transform(options)
    return list(shapely.transform(lines, lambda xy: xy * (cell_m, -cell_m) + (corner.c, corner.f)))


def _rounded(commune: NDArray[np.int32]) -> NDArray[np.int32]:
    """Round off the teeth of the outlines: each cell goes to the commune that weighs most around it."""
    best = np.zeros(commune.shape, np.float32)
    rounded = commune.copy()
    for place in range(int(commune.max()) + 1):
        weight = ndimage.gaussian_filter((commune == place).astype(np.float32), _ROUNDING_CELLS)
        better = (weight > best) & (commune >= 0)
        best[better], rounded[better] = weight[better], place
    return rounded


def _without_scraps(commune: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give the bits that touch their commune only by a corner to the commune beside them."""
    kept = np.zeros(commune.shape, np.bool_)
    for place in range(int(commune.max()) + 1):
        parts, _ = ndimage.label(commune == place)
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        kept |= parts == int(np.argmax(sizes))
    land = commune >= 0
    row, column = ndimage.distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return np.where(land, commune[row, column], -1).astype(np.int32)


def _layer(rows: list[dict[str, str]], members: list[list[shapely.Geometry]]) -> gpd.GeoDataFrame:
    """Return one layer whose territories are unions of communes."""
    unions = [shapely.union_all(part) for part in members]
    whole = [shapely.multipolygons([one]) if one.geom_type == "Polygon" else one for one in unions]
    return gpd.GeoDataFrame(rows, geometry=whole, crs=EPSG)
