"""The habitats of the simulated region: EUNIS 2012 level 3 habitats that live in Occitanie.

Labels are written for this project; codes are those of EUNIS 2012. Stakes are plausible working values.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TYPOLOGY = "EUNIS2012"


@dataclass(frozen=True, slots=True)
class Habitat:
    """One row of the legend.

    Attributes:
        code: EUNIS 2012 code.
        label_fr, label_en: short names.
        color: #rrggbb.
        stake: faible, moyen, fort or très fort; empty for a parent.
        confused_with: the habitats that a tired observer writes instead.
    """

    code: str
    label_fr: str
    label_en: str
    color: str
    stake: str = ""
    confused_with: tuple[str, ...] = ()

    @property
    def parent_code(self) -> str:
        """The code one level up: G1.7 is in G1, G1 in G."""
        if "." in self.code:
            return self.code.split(".")[0]
        return self.code[0] if len(self.code) > 1 else ""


# In the order of the transect. A habitat's number in rasters of the simulation is its place here, from 1.
HABITATS = (
    Habitat("A5.2", "Fonds sableux marins", "Sandy sea bed", "#8fc3e0", "moyen", ("X02",)),
    Habitat("X02", "Lagunes côtières salées", "Saline coastal lagoons", "#4a8fc2", "très fort", ("A5.2",)),
    Habitat("B1.2", "Hauts de plage", "Upper sand beaches", "#f7ecc4", "fort", ("B1.4",)),
    Habitat("B1.4", "Dunes fixées (dunes grises)", "Fixed grey dunes", "#dcc48e", "très fort", ("B1.2", "E1.3")),
    Habitat("A2.5", "Prés et fourrés salés", "Saltmarshes", "#c59ac0", "très fort", ("C3.2", "B1.4")),
    Habitat("C3.2", "Roselières", "Reedbeds", "#5fb5a8", "fort", ("A2.5", "G1.3")),
    Habitat("G1.3", "Ripisylves méditerranéennes", "Riparian woods", "#2f8f83", "fort", ("G1.7", "C3.2")),
    Habitat("I1.1", "Grandes cultures", "Arable crops", "#f3e27a", "faible", ("I1.5", "E2.2")),
    Habitat("I1.5", "Friches et jachères", "Fallow land", "#cdbb5a", "moyen", ("I1.1", "E1.3")),
    Habitat("FB.4", "Vignobles", "Vineyards", "#b5557a", "faible", ("I1.5", "I1.1")),
    Habitat("J1.2", "Villages et quartiers bâtis", "Built-up villages and suburbs", "#57525e", "faible", ("I1.5",)),
    Habitat(
        "E1.3", "Pelouses sèches méditerranéennes", "Mediterranean dry grassland", "#eaa66a", "fort", ("F6.1", "I1.5")
    ),
    Habitat("F6.1", "Garrigues", "Garrigues", "#c9762f", "moyen", ("E1.3", "G2.1")),
    Habitat("G3.7", "Pinèdes de pin d'Alep", "Aleppo pine woods", "#7d9c3f", "faible", ("G2.1", "F6.1")),
    Habitat("G2.1", "Chênaies vertes", "Holm oak woods", "#3f6b2a", "moyen", ("G3.7", "F6.1", "G1.7")),
    Habitat(
        "G1.7",
        "Chênaies pubescentes et châtaigneraies",
        "Downy oak and chestnut woods",
        "#6fae4f",
        "moyen",
        ("G1.6", "G2.1"),
    ),
    Habitat("E2.2", "Prairies de fauche", "Hay meadows", "#bfe08a", "fort", ("I1.1", "E4.3")),
    Habitat("G1.6", "Hêtraies", "Beech woods", "#1f5a3c", "moyen", ("G1.7",)),
    Habitat("F2.2", "Landes subalpines", "Subalpine heaths", "#7f5fa8", "moyen", ("E4.3", "G3.3")),
    Habitat("G3.3", "Pinèdes de pin à crochets", "Mountain pine woods", "#17403f", "fort", ("F2.2", "G1.6")),
    Habitat("E4.3", "Pelouses subalpines acides", "Subalpine acid grassland", "#d9efb5", "fort", ("E2.2", "F2.2")),
    Habitat("H2.5", "Éboulis siliceux", "Siliceous screes", "#b9b7b2", "fort", ("H3.1", "E4.3")),
    Habitat("H3.1", "Falaises siliceuses", "Siliceous cliffs", "#837a74", "fort", ("H2.5",)),
    Habitat("H5.5", "Terrains récemment incendiés", "Recently burnt ground", "#3a2420", "faible", ("F6.1", "E1.3")),
)

PARENTS = (
    Habitat("A", "Milieux marins", "Marine habitats", "#8fc3e0"),
    Habitat("A2", "Estrans meubles", "Littoral sediment", "#c59ac0"),
    Habitat("A5", "Fonds meubles", "Sublittoral sediment", "#8fc3e0"),
    Habitat("B", "Littoral", "Coast", "#dcc48e"),
    Habitat("B1", "Dunes et plages", "Dunes and beaches", "#dcc48e"),
    Habitat("C", "Eaux douces", "Inland waters", "#5fb5a8"),
    Habitat("C3", "Bords des eaux", "Water margins", "#5fb5a8"),
    Habitat("E", "Milieux herbacés", "Grasslands", "#d9d47f"),
    Habitat("E1", "Pelouses sèches", "Dry grasslands", "#eaa66a"),
    Habitat("E2", "Prairies mésophiles", "Mesic grasslands", "#bfe08a"),
    Habitat("E4", "Pelouses d'altitude", "High mountain grasslands", "#d9efb5"),
    Habitat("F", "Landes et fourrés", "Heath and scrub", "#c07050"),
    Habitat("F2", "Fourrés d'altitude", "High mountain scrub", "#7f5fa8"),
    Habitat("F6", "Garrigues", "Garrigue", "#c9762f"),
    Habitat("FB", "Plantations basses", "Shrub plantations", "#b5557a"),
    Habitat("G", "Forêts", "Woodland", "#3f7f3f"),
    Habitat("G1", "Forêts de feuillus caducs", "Deciduous woodland", "#4f9a4f"),
    Habitat("G2", "Forêts de feuillus sempervirents", "Broadleaved evergreen woodland", "#3f6b2a"),
    Habitat("G3", "Forêts de conifères", "Coniferous woodland", "#4a6f3f"),
    Habitat("H", "Milieux rocheux ou nus", "Bare or rocky ground", "#9c968f"),
    Habitat("H2", "Éboulis", "Screes", "#b9b7b2"),
    Habitat("H3", "Falaises et rochers", "Cliffs and rocks", "#837a74"),
    Habitat("H5", "Autres sols nus", "Other bare ground", "#3a2420"),
    Habitat("I", "Milieux cultivés", "Cultivated land", "#e8d56c"),
    Habitat("I1", "Terres labourées", "Tilled land", "#e8d56c"),
    Habitat("J", "Milieux bâtis", "Built-up land", "#57525e"),
    Habitat("J1", "Bâti", "Buildings", "#57525e"),
    Habitat("X", "Complexes d'habitats", "Habitat complexes", "#4a8fc2"),
)

CODES = tuple(habitat.code for habitat in HABITATS)
NUMBERS = {code: place for place, code in enumerate(CODES, start=1)}


def is_any(classes: NDArray[np.uint8], *codes: str) -> NDArray[np.bool_]:
    """Return where a raster of habitat numbers holds one of the codes."""
    wanted = np.zeros(256, np.bool_)
    wanted[[NUMBERS[code] for code in codes]] = True
    return wanted[classes]
