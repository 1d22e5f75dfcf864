"""Licences of what a map is made from, and the one its release may carry: the most restrictive wins.

The table holds plain facts of the licences' own texts: what must be kept by who adapts the work.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OPEN_LICENCE = "Licence Ouverte 2.0"


@dataclass(frozen=True)
class Licence:
    """What one licence asks of an adapted work.

    Attributes:
        name: as releases write it.
        rank: among those that can be put together, the higher one is carried.
        family: of a licence that asks for the same licence: two families cannot be put together.
        is_open: whether an adapted work may be published as open data at all.
    """

    name: str
    rank: int
    family: str = ""
    is_open: bool = True


# The first pattern that is found in the words of a dataset says its licence: narrower ones come first.
KNOWN: tuple[tuple[str, Licence], ...] = (
    (r"not confirmed|non confirm|unknown|inconnu", Licence("not confirmed", 99, is_open=False)),
    (r"cc[ -]by[ -]nc|non[ -]?commercial", Licence("CC BY-NC", 90, is_open=False)),
    (r"cc[ -]by[ -]nd|no[ -]?deriv", Licence("CC BY-ND", 91, is_open=False)),
    (r"cc[ -]by[ -]sa", Licence("CC BY-SA 4.0", 30, family="CC BY-SA")),
    (r"odbl|open database licen[cs]e", Licence("ODbL 1.0", 31, family="ODbL")),
    (r"cc[ -]by", Licence("CC BY 4.0", 20)),
    (r"copernicus", Licence(OPEN_LICENCE, 11)),
    (r"licence ouverte|etalab|\blo[ -]?2", Licence(OPEN_LICENCE, 10)),
    (r"\bmit\b|\bbsd\b", Licence(OPEN_LICENCE, 10)),
    (r"cc0|public domain|domaine public", Licence(OPEN_LICENCE, 0)),
)


@dataclass(frozen=True)
class LicenceVerdict:
    """What the licences of the inputs allow.

    Attributes:
        licence: the one that the release carries; empty where they cannot be put together.
        closed: inputs that may not be published, or whose licence is not known.
        clashing: inputs that each ask for another licence.
    """

    licence: str
    closed: tuple[str, ...] = ()
    clashing: tuple[str, ...] = ()

    @property
    def is_compatible(self) -> bool:
        """Whether the map may be published."""
        return bool(self.licence)


def licence_of(words: str) -> Licence | None:
    """The licence that a dataset's own words name; None where they name none that is known."""
    return next((licence for pattern, licence in KNOWN if re.search(pattern, words, re.IGNORECASE)), None)


def put_together(inputs: Mapping[str, str]) -> LicenceVerdict:
    """The licence of a map made from several inputs.

    Args:
        inputs: the words of each input's licence by its name; empty words are the open licence.
    """
    found = {name: licence_of(words or OPEN_LICENCE) for name, words in inputs.items()}
    known = {name: licence for name, licence in found.items() if licence is not None and licence.is_open}
    closed = tuple(sorted(set(found) - set(known)))
    families = {licence.family for licence in known.values() if licence.family}
    clashing = _of_families(known, families) if len(families) > 1 else ()
    if closed or clashing:
        return LicenceVerdict("", closed, clashing)
    carried = max(known.values(), key=lambda licence: licence.rank, default=Licence(OPEN_LICENCE, 0))
    return LicenceVerdict(carried.name)


def _of_families(known: Mapping[str, Licence], families: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name, licence in known.items() if licence.family in set(families)))
