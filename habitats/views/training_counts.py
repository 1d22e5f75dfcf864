"""How many samples a version learned from, by set, origin and habitat: numbers only, never places."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from habitats.models import HabitatType
from habitats.queries import types_of_codes
from habitats.states import SampleOrigin, SampleSet

LINES_OF_A_NARROW_CARD = 8


@dataclass(frozen=True)
class CountLine:
    """One number, with the habitat or the word it is of."""

    label: str
    count: int
    habitat_type: HabitatType | None = None


@dataclass(frozen=True)
class CountGroup:
    """One way to count the samples."""

    title: str
    lines: list[CountLine]

    @property
    def is_long(self) -> bool:
        """Whether it needs the width of the page."""
        return len(self.lines) > LINES_OF_A_NARROW_CARD


def count_lines(counts: Mapping[str, Any]) -> list[CountGroup]:
    """The groups to show; a way of counting that the training set does not hold is left out."""
    types = types_of_codes(counts.get("by_habitat", {}))
    groups = [
        CountGroup(_("By set"), _worded(counts.get("by_set", {}), dict(SampleSet.choices))),
        CountGroup(
            _("By origin"),
            _worded(
                counts.get("by_origin", {}),
                {**dict(SampleOrigin.choices), "carried": _("accepted report of an earlier year")},
            ),
        ),
        CountGroup(
            _("By habitat"),
            [
                CountLine(code, count, types.get(code))
                for code, count in sorted(counts.get("by_habitat", {}).items(), key=lambda item: -item[1])
            ],
        ),
    ]
    return [group for group in groups if group.lines]


def _worded(counts: Mapping[str, int], words: Mapping[str, Any]) -> list[CountLine]:
    return [CountLine(str(words.get(key, key)), count) for key, count in sorted(counts.items())]
