"""Plant observations of the region: plain Occitanian species, seen where their habitats are."""

import datetime

import numpy as np
import pandas as pd
from pyproj import Transformer

from ml.compute.simulation.habitats import NUMBERS
from ml.compute.simulation.landscape import Landscape
from ml.compute.simulation.options import FIRST_YEAR, SimulationOptions, random_stream
from ml.compute.simulation.place import EPSG, grid_transform

_OBSERVATIONS = 3000
_YEARS_BACK = 9
# Species, its habitats by liking, first and last month when it is seen.
_SPECIES = (
    ("Posidonia oceanica", "A5.2", 5, 9), ("Zostera noltei", "X02", 5, 10), ("Ruppia cirrhosa", "X02", 5, 9),
    ("Cakile maritima", "B1.2", 5, 10), ("Salsola kali", "B1.2", 6, 10), ("Eryngium maritimum", "B1.2 B1.4", 6, 9),
    ("Pancratium maritimum", "B1.4 B1.2", 7, 9), ("Ammophila arenaria", "B1.4 B1.2", 5, 9),
    ("Malcolmia littorea", "B1.4", 4, 7), ("Helichrysum stoechas", "B1.4 E1.3", 5, 8),
    ("Salicornia europaea", "A2.5", 8, 11), ("Limonium narbonense", "A2.5", 7, 10),
    ("Halimione portulacoides", "A2.5", 6, 10), ("Juncus maritimus", "A2.5 C3.2", 6, 9),
    ("Tripolium pannonicum", "A2.5", 8, 11), ("Phragmites australis", "C3.2 A2.5", 6, 11),
    ("Typha angustifolia", "C3.2", 6, 10), ("Iris pseudacorus", "C3.2 G1.3", 4, 6),
    ("Bolboschoenus maritimus", "C3.2 A2.5", 6, 10), ("Populus alba", "G1.3", 4, 10),
    ("Fraxinus angustifolia", "G1.3", 4, 10), ("Salix alba", "G1.3 C3.2", 4, 10), ("Humulus lupulus", "G1.3", 6, 9),
    ("Papaver rhoeas", "I1.1 I1.5", 4, 6), ("Gladiolus italicus", "I1.1 FB.4", 4, 6),
    ("Muscari neglectum", "FB.4 I1.5", 3, 4), ("Tulipa sylvestris", "FB.4", 3, 4),
    ("Diplotaxis erucoides", "FB.4 I1.5", 2, 11), ("Dittrichia viscosa", "I1.5 J1.2", 8, 11),
    ("Foeniculum vulgare", "I1.5 J1.2", 6, 10), ("Centranthus ruber", "J1.2", 4, 9),
    ("Parietaria judaica", "J1.2", 3, 10), ("Brachypodium retusum", "E1.3 F6.1", 4, 7),
    ("Aphyllanthes monspeliensis", "E1.3 F6.1", 4, 6), ("Ophrys scolopax", "E1.3", 4, 6),
    ("Stipa offneri", "E1.3", 5, 7), ("Thymus vulgaris", "F6.1 E1.3", 3, 6),
    ("Salvia rosmarinus", "F6.1", 1, 5), ("Quercus coccifera", "F6.1", 3, 11),
    ("Cistus monspeliensis", "F6.1 H5.5", 4, 6), ("Cistus albidus", "F6.1 H5.5", 4, 6),
    ("Euphorbia characias", "F6.1 G2.1", 2, 5), ("Pinus halepensis", "G3.7 F6.1", 1, 12),
    ("Quercus ilex", "G2.1 F6.1", 1, 12), ("Viburnum tinus", "G2.1", 1, 5), ("Ruscus aculeatus", "G2.1 G1.7", 1, 12),
    ("Arbutus unedo", "G2.1", 10, 12), ("Quercus pubescens", "G1.7", 4, 10), ("Castanea sativa", "G1.7", 5, 10),
    ("Acer monspessulanum", "G1.7 G2.1", 4, 10), ("Narcissus poeticus", "E2.2 E4.3", 5, 6),
    ("Arrhenatherum elatius", "E2.2", 5, 7), ("Rhinanthus minor", "E2.2", 5, 7), ("Fagus sylvatica", "G1.6", 4, 10),
    ("Galium odoratum", "G1.6", 5, 6), ("Anemone nemorosa", "G1.6", 3, 5), ("Ilex aquifolium", "G1.6 G1.7", 1, 12),
    ("Calluna vulgaris", "F2.2", 7, 10), ("Vaccinium myrtillus", "F2.2 G3.3", 6, 9),
    ("Juniperus communis", "F2.2 E4.3", 5, 10), ("Pinus uncinata", "G3.3", 5, 10),
    ("Rhododendron ferrugineum", "F2.2 G3.3", 6, 8), ("Nardus stricta", "E4.3", 6, 8),
    ("Gentiana lutea", "E4.3 F2.2", 6, 8), ("Arnica montana", "E4.3", 6, 8), ("Silene rupestris", "H2.5 H3.1", 6, 8),
    ("Cryptogramma crispa", "H2.5", 7, 9), ("Saxifraga paniculata", "H3.1", 6, 8), ("Sedum dasyphyllum", "H3.1", 6, 8),
)  # fmt: skip
_OBSERVERS = ("M. Castanhas", "A. Fontclara", "J. Belhomet", "S. Vidalhac", "Cercle des herborisants d'Arène", "")


def observe_flora(options: SimulationOptions, landscape: Landscape) -> pd.DataFrame:
    """Return plant observations of the ten years up to the first simulated one, as Darwin Core columns.

    The species are real; that one was seen at a place is invented. `taxonID` is invented as well
    (`SIM-...`), so that nobody takes it for a TAXREF number.
    """
    rng = random_stream(options.seed, "flora")
    count = max(240, round(_OBSERVATIONS * min(1.0, options.shrink**0.5)))
    fame = rng.lognormal(0, 0.7, len(_SPECIES))
    species = rng.choice(len(_SPECIES), count, p=fame / fame.sum())
    places = {code: np.flatnonzero(landscape.classes.ravel() == number) for code, number in NUMBERS.items()}
    rows = [row for chosen in species if (row := _observation(options, int(chosen), places, rng))]
    frame = pd.DataFrame(rows).sort_values(["eventDate", "scientificName", "x", "y"], ignore_index=True)
    to_degrees = Transformer.from_crs(EPSG, 4326, always_xy=True)
    longitude, latitude = to_degrees.transform(frame["x"].to_numpy(), frame["y"].to_numpy())
    frame["decimalLatitude"] = [f"{value:.6f}" for value in latitude]
    frame["decimalLongitude"] = [f"{value:.6f}" for value in longitude]
    frame["occurrenceID"] = [f"simulation-{options.seed}-{number:05d}" for number in range(1, len(frame) + 1)]
    return frame[list(COLUMNS)]


COLUMNS = (
    "occurrenceID", "scientificName", "taxonID", "eventDate", "decimalLatitude", "decimalLongitude",
    "coordinateUncertaintyInMeters", "recordedBy", "individualCount",
)  # fmt: skip


def _observation(
    options: SimulationOptions, species: int, places: dict[str, np.ndarray], rng: np.random.Generator
) -> dict | None:
    """Return one observation, or None where the region lacks every habitat of the species."""
    name, habitats, first, last = _SPECIES[species]
    here = [code for code in habitats.split() if places[code].size]
    if not here:
        return None
    # The first habitat is the usual one.
    code = here[0] if len(here) == 1 or rng.random() < 0.7 else here[-1]
    row, column = divmod(int(rng.choice(places[code])), options.size_px)
    x, y = grid_transform(options) @ (column + rng.random(), row + rng.random())
    uncertainty = float(rng.choice([5, 10, 25, 100, 500], p=[0.35, 0.3, 0.18, 0.12, 0.05]))
    x, y = x + rng.normal(0, uncertainty / 2), y + rng.normal(0, uncertainty / 2)
    month = int(rng.integers(first, last + 1))
    day = datetime.date(FIRST_YEAR - int(rng.integers(0, _YEARS_BACK + 1)), month, int(rng.integers(1, 29)))
    return {
        "scientificName": name,
        "taxonID": f"SIM-{species + 1:03d}",
        "eventDate": day.isoformat(),
        "coordinateUncertaintyInMeters": int(uncertainty),
        "recordedBy": _OBSERVERS[rng.integers(len(_OBSERVERS))],
        "individualCount": str(int(rng.geometric(0.12))) if rng.random() < 0.6 else "",
        "x": x,
        "y": y,
    }
