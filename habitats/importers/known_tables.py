"""What the names of well-known tables say of what they hold; a person's options always win."""

import re
from pathlib import Path

from habitats.actions import TypologyFacts

HABREF = "HABREF 7.0, INPN / PatriNat"
HABREF_EDITION = "HABREF 7.0"
KNOWN_TYPOLOGIES = {
    "eunis": TypologyFacts("EUNIS2012", "EUNIS 2012", "2012", "EEA (CC0); French names and cd_hab: INPN / PatriNat"),
    "eunis_2012": TypologyFacts("EUNIS2012", "EUNIS 2012", "2012", "EEA (CC0); French names: INPN / PatriNat"),
    "eunis_2022": TypologyFacts("EUNIS2022", "EUNIS 2022", "2022", HABREF),
    "corine_biotopes": TypologyFacts("CORINE", "CORINE biotopes", "1997", HABREF),
    "hic_annex1": TypologyFacts("HIC", "Habitats d'intérêt communautaire (annexe I)", "EUR28", HABREF),
    "cahiers_habitats": TypologyFacts("CAHIERS", "Cahiers d'habitats", "", HABREF),
    "pvf2_syntaxa": TypologyFacts("PVF2", "Prodrome des végétations de France 2", "", HABREF),
    "ocsge_cover": TypologyFacts("OCSGE-CS", "OCS GE, couverture du sol", "NG v2.0", "IGN; MTES-MCT/sparte (MIT)"),
    "ocsge_use": TypologyFacts("OCSGE-US", "OCS GE, usage du sol", "NG v2.0", "IGN; MTES-MCT/sparte (MIT)"),
}
SIDES = {
    "eunis2012": "EUNIS2012",
    "eunis2022": "EUNIS2022",
    "corine": "CORINE",
    "hic": "HIC",
    "cahiershab": "CAHIERS",
    "cahiers": "CAHIERS",
    "pvf2": "PVF2",
    "euroveg": "EUROVEG",
}
CROSSWALK_NAME = re.compile(r"^(?:xwalk|crosswalk)_(?P<from>[a-z0-9]+)_to_(?P<to>[a-z0-9]+)$")


def facts_of_file(path: Path) -> TypologyFacts | None:
    """The typology that a well-known table holds."""
    return KNOWN_TYPOLOGIES.get(stem(path))


def side_of_crosswalk_file(path: Path, side: str) -> str:
    """The code of the typology on one side ("from" or "to") of a file called `xwalk_A_to_B`; empty if unknown."""
    match = CROSSWALK_NAME.match(stem(path))
    return SIDES.get(match[side], "") if match and side else ""


def stem(path: Path) -> str:
    """The name of a file without its endings, in lower case."""
    return path.name.split(".")[0].lower()
