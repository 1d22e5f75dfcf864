"""What a person, a form or a file says of one relevé, before anything is written."""

import datetime
from dataclasses import dataclass

from django.contrib.gis.geos import GEOSGeometry

from habitats.states import DatePrecision


@dataclass(frozen=True, slots=True)
class CitedHabitat:
    """A habitat exactly as cited; `cover_pct` is None where nobody said how much it covers."""

    typology: str
    code: str
    name: str = ""
    cover_pct: float | None = None


@dataclass(frozen=True, slots=True)
class CitedSpecies:
    """A species as cited, the taxon that it means where one is known, and its Braun-Blanquet coefficient."""

    name: str
    abundance: str = ""
    taxon: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleveFacts:
    """One relevé; `geometry` is in SRID 4326, and an empty `external_id` asks for a number of ours."""

    geometry: GEOSGeometry
    habitats: tuple[CitedHabitat, ...]
    external_id: str = ""
    observed_on: datetime.date | None = None
    date_precision: DatePrecision = DatePrecision.DAY
    observers: str = ""
    accuracy_m: float | None = None
    area_m2: float | None = None
    method: str = ""
    comment: str = ""
    sensitivity: int | None = None
    species: tuple[CitedSpecies, ...] = ()

    def columns(self) -> dict[str, object]:
        """The fields that a relevé keeps as they are."""
        names = ("geometry", "observed_on", "date_precision", "observers", "accuracy_m", "area_m2", "method", "comment")
        return {name: getattr(self, name) for name in names}
