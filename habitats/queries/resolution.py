"""From a habitat as cited to a row of the region's legend, by parents and by published correspondences."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q

from habitats.models import CrosswalkRow, HabitatType
from habitats.queries.maps import mappable_legend
from habitats.states import Resolution

# Each sign after the first level of EUNIS 2012 goes one level down: whatever begins with E1.2 lies within E1.2.
EUNIS_2012 = "EUNIS2012"
DEEPER_LEVELS = re.compile(r"[0-9A-Z]{1,4}")
LONGEST_CHAIN = 20  # of parents; a table that names a child as the parent of its parent must not hang us


@dataclass(frozen=True, slots=True)
class ResolvedHabitat:
    """What a cited habitat is in the legend; `habitat_type` is the primary key, None until somebody confirms."""

    resolution: Resolution
    habitat_type: int | None = None


class HabitatResolver:
    """Finds cited habitats and what they are in the legend; reads each typology once."""

    def __init__(self, legend_typology: str) -> None:
        self.legend_typology = legend_typology
        self._types: dict[str, dict[str, HabitatType]] = {}

    @cached_property
    def legend(self) -> dict[int, HabitatType]:
        """The rows that the map can show, by primary key: headings only group them and teach nothing."""
        return {entry.habitat_type_id: entry.habitat_type for entry in mappable_legend()}

    def find(self, typology: str, code: str) -> HabitatType | None:
        """The habitat of a typology by its code, whatever the case; by its code without signs where only one has it."""
        known = self._types_of(typology)
        return known.get(code.casefold()) or known.get(f"~{_letters(code)}")

    def closest(self, typology: str, code: str) -> HabitatType | None:
        """The habitat whose code is the longest beginning of an unknown one."""
        known = self._types_of(typology)
        found = (known.get(code[:length].casefold()) for length in range(len(code) - 1, 0, -1))
        return next((one for one in found if one is not None), None)

    def look_up(self, typology: str, code: str) -> tuple[HabitatType | None, ResolvedHabitat]:
        """The habitat cited, where it is known, and what it is in the legend."""
        cited = self.find(typology, code)
        if cited is None and (row := self.row_around(typology, code)):
            return None, ResolvedHabitat(Resolution.EXACT, row.pk)
        return cited, self.resolve(cited)

    def row_around(self, typology: str, code: str) -> HabitatType | None:
        """The row of the legend that a longer EUNIS 2012 code lies within, where the typology is loaded no deeper.

        Botanists cite levels 4 and 5; a legend of level 3 may be all that was loaded. Where deeper levels were, a code
        that is not among them is a mistake.
        """
        row = self.closest(typology, code)
        if row is None or row.pk not in self.legend or typology != EUNIS_2012 or "." not in row.code:
            return None
        if not DEEPER_LEVELS.fullmatch(code[len(row.code) :].upper()) or row.pk in self._legend_parents.values():
            return None
        return row

    def resolve(self, cited: HabitatType | None) -> ResolvedHabitat:
        """What a cited habitat is in the legend.

        The legend's own habitats, and those within one of them, are exact. Elsewhere a correspondence is a proposal
        that a person confirms; meanwhile only a parent that all its candidates share, where the map can show it, is
        sure.
        """
        if cited is None:
            return ResolvedHabitat(Resolution.UNRESOLVED)
        if cited.typology.code == self.legend_typology:
            lifted = self._lifted(cited)
            return ResolvedHabitat(Resolution.EXACT, lifted) if lifted else ResolvedHabitat(Resolution.UNRESOLVED)
        candidates = self.candidates(cited)
        if not candidates:
            return ResolvedHabitat(Resolution.UNRESOLVED)
        parents = {candidate.parent_id for candidate in candidates}
        (shared,) = parents if len(parents) == 1 else (None,)
        if shared in self.legend:
            return ResolvedHabitat(Resolution.PARENT_ONLY, shared)
        return ResolvedHabitat(Resolution.PROPOSED)

    def candidates(self, cited: HabitatType) -> list[HabitatType]:
        """The rows of the legend that published correspondences give for a habitat, or for its closest parent."""
        habitat: HabitatType | None = cited
        for _step in range(LONGEST_CHAIN):
            if habitat is None:
                break
            if found := self._corresponding(habitat):
                return sorted((self.legend[pk] for pk in found), key=lambda one: one.code)
            habitat = habitat.parent
        return []

    def _corresponding(self, habitat: HabitatType) -> set[int]:
        rows = CrosswalkRow.objects.filter(
            Q(from_type=habitat, crosswalk__to_typology__code=self.legend_typology)
            | Q(to_type=habitat, crosswalk__from_typology__code=self.legend_typology)
        ).select_related("from_type", "to_type")
        return {
            pk for row in rows for pk in self._in_legend(row.to_type if row.from_type == habitat else row.from_type)
        }

    def _in_legend(self, habitat: HabitatType) -> Iterable[int]:
        """The row that holds a habitat of the legend's typology, else the rows that it holds."""
        if lifted := self._lifted(habitat):
            return [lifted]
        return [pk for pk, row in self.legend.items() if habitat.pk in self._chain(row)]

    def _lifted(self, habitat: HabitatType) -> int | None:
        return next((pk for pk in self._chain(habitat) if pk in self.legend), None)

    def _chain(self, habitat: HabitatType) -> list[int]:
        """A habitat of the legend's typology, then its parents."""
        parents = self._legend_parents
        chain: list[int] = []
        pk: int | None = habitat.pk
        while pk is not None and len(chain) < LONGEST_CHAIN:
            chain.append(pk)
            pk = parents.get(pk)
        return chain

    @cached_property
    def _legend_parents(self) -> dict[int, int | None]:
        of_typology = HabitatType.objects.filter(typology__code=self.legend_typology).order_by()
        return dict(of_typology.values_list("pk", "parent"))

    def _types_of(self, typology: str) -> dict[str, HabitatType]:
        """By code without case; and by letters alone, after a tilde, where only one habitat has them."""
        if typology not in self._types:
            rows = list(HabitatType.objects.filter(typology__code=typology).select_related("typology"))
            by_code = {row.code.casefold(): row for row in rows}
            by_letters: dict[str, list[HabitatType]] = {}
            for row in rows:
                by_letters.setdefault(_letters(row.code), []).append(row)
            alone = {f"~{letters}": found[0] for letters, found in by_letters.items() if len(found) == 1}
            self._types[typology] = {**alone, **by_code}
        return self._types[typology]


def _letters(code: str) -> str:
    return "".join(sign for sign in code.casefold() if sign.isalnum())
