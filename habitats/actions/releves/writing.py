"""How the facts of a relevé become rows; called by the actions, inside their transaction."""

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.gis.geos import GEOSGeometry

from habitats.actions.releves.facts import ReleveFacts
from habitats.models import Determination, Releve, ReleveDataset, ReleveSpecies
from habitats.queries import region_or_error
from habitats.queries.releve_places import PlaceFinder
from habitats.queries.resolution import HabitatResolver
from habitats.states import ReleveLevel, Resolution

BATCH = 500
SHOWN_BY = ("sensitivity", "accuracy_m")
# A nudge of rounding is no move: about 1 cm.
SAME_PLACE_DEGREES = 1e-7


class ReleveWriter:
    """Writes relevés one after the other; what it reads of the region and the typologies serves them all."""

    def __init__(self, *, at: datetime.datetime) -> None:
        region = region_or_error()
        self.at = at
        self.places = PlaceFinder(region)
        self.resolver = HabitatResolver(region.typology_code)

    def add(self, new: Sequence[tuple[Releve, ReleveFacts]]) -> None:
        """Write relevés that are not stored yet."""
        for releve, facts in new:
            self._say(releve, facts)
            releve.changed_at = self.at
        Releve.objects.bulk_create([releve for releve, _facts in new], batch_size=BATCH)
        determinations = [row for releve, facts in new for row in self._determinations(releve, facts)]
        Determination.objects.bulk_create(determinations, batch_size=BATCH)
        species = [row for releve, facts in new for row in _species_rows(releve, facts).values()]
        ReleveSpecies.objects.bulk_create(species, batch_size=BATCH)

    def write(self, releve: Releve, facts: ReleveFacts) -> bool:
        """Correct a stored relevé, and make it stale where what a validator judged has changed.

        Returns:
            Whether anything differs from what was stored.
        """
        before, cites_the_same = _said_of(releve), self._cites_the_same(releve, facts)
        judged_differs = not cites_the_same or _shows_other_ground(releve, facts)
        resolved = cites_the_same and self._resolve_again(releve)
        self._say(releve, facts)
        if not judged_differs and _said_of(releve) == before and _same_species(releve, facts):
            return resolved
        releve.is_stale |= judged_differs and releve.level != ReleveLevel.WAITING
        releve.changed_at = self.at
        releve.save()
        releve.species.all().delete()
        ReleveSpecies.objects.bulk_create(_species_rows(releve, facts).values())
        if not cites_the_same:
            releve.determinations.all().delete()
            Determination.objects.bulk_create(self._determinations(releve, facts))
        return True

    def _say(self, releve: Releve, facts: ReleveFacts) -> None:
        dataset: ReleveDataset = releve.dataset
        sensitivity = dataset.sensitivity if facts.sensitivity is None else facts.sensitivity
        said = {**facts.columns(), "sensitivity": sensitivity}
        if releve.pk is None or any(said[name] != getattr(releve, name) for name in ("geometry", *SHOWN_BY)):
            commune, precision, point = self.places.shown(
                facts.geometry, dataset=dataset, sensitivity=sensitivity, accuracy_m=facts.accuracy_m
            )
            said |= {"commune_id": commune, "shown_precision": precision, "shown_geometry": point}
        for name, value in said.items():
            setattr(releve, name, value)

    def _cites_the_same(self, releve: Releve, facts: ReleveFacts) -> bool:
        stored = [(one.cited_typology, one.cited_code, one.cover_pct) for one in releve.determinations.all()]
        return stored == [(one.typology, one.code, one.cover_pct) for one in facts.habitats]

    def _resolve_again(self, releve: Releve) -> bool:
        """Typologies and correspondences may have come since: what nobody confirmed is looked up again."""
        changed = False
        settled = (Resolution.EXACT, Resolution.CONFIRMED)
        for one in [one for one in releve.determinations.all() if one.resolution not in settled]:
            cited_type, found = self.resolver.look_up(one.cited_typology, one.cited_code)
            known = (one.cited_type_id, one.resolution, one.resolved_type_id)
            if known != (cited_type and cited_type.pk, found.resolution, found.habitat_type):
                one.cited_type, one.resolution, one.resolved_type_id = cited_type, found.resolution, found.habitat_type
                one.save()
                changed = True
        return changed

    def _determinations(self, releve: Releve, facts: ReleveFacts) -> Iterator[Determination]:
        for position, cited in enumerate(facts.habitats):
            cited_type, resolved = self.resolver.look_up(cited.typology, cited.code)
            yield Determination(
                releve=releve,
                position=position,
                cited_typology=cited.typology,
                cited_code=cited.code,
                cited_name=cited.name,
                cover_pct=cited.cover_pct,
                cited_type=cited_type,
                resolution=resolved.resolution,
                resolved_type_id=resolved.habitat_type,
            )


def _shows_other_ground(releve: Releve, facts: ReleveFacts) -> bool:
    """Another place or another date: what a validator looked at. A comment is not."""
    dates = [(said.observed_on, said.date_precision) for said in (releve, facts)]
    return dates[0] != dates[1] or not releve.geometry.equals_exact(facts.geometry, SAME_PLACE_DEGREES)


def _said_of(releve: Releve) -> dict[str, Any]:
    """The fields that facts can change, comparable."""
    names = ("observed_on", "date_precision", "observers", "accuracy_m", "area_m2", "method", "comment", "sensitivity")
    place: GEOSGeometry = releve.geometry
    return {**{name: getattr(releve, name) for name in names}, "geometry": place.wkb}


def _same_species(releve: Releve, facts: ReleveFacts) -> bool:
    stored = {(one.cited_name, one.abundance) for one in releve.species.all()}
    return stored == {(one.cited_name, one.abundance) for one in _species_rows(releve, facts).values()}


def _species_rows(releve: Releve, facts: ReleveFacts) -> dict[str, ReleveSpecies]:
    """By name; a name cited twice keeps its first coefficient."""
    rows: dict[str, ReleveSpecies] = {}
    for one in facts.species:
        row = ReleveSpecies(releve=releve, cited_name=one.name, abundance=one.abundance, taxon_id=one.taxon)
        rows.setdefault(one.name, row)
    return rows
