"""Which habitats a branch holds: the branch of a mandate is a text, resolved here."""

from collections.abc import Callable, Iterable
from functools import cache

from habitats.models import HabitatType


def types_in_branch(branch: str) -> frozenset[int]:
    """The habitats of every typology that lie in a branch.

    Args:
        branch: the beginning of codes: "E1" holds E1, E1.2 and whatever lies below one of these in its typology.

    Returns:
        Their primary keys.
    """
    found = set(HabitatType.objects.filter(code__startswith=branch).values_list("pk", flat=True))
    last = found
    while last:
        last = set(HabitatType.objects.filter(parent__in=last).values_list("pk", flat=True)) - found
        found |= last
    return frozenset(found)


def about(types: Callable[[], Iterable[int | None]]) -> Callable[[str], bool]:
    """Whether a branch holds one of the habitats that something is about.

    Args:
        types: gives the primary keys of the habitats; asked only where a mandate has a branch.
    """
    concerned = cache(lambda: frozenset(types()))
    return cache(lambda branch: not types_in_branch(branch).isdisjoint(concerned()))


def holds_a_habitat(branch: str) -> bool:
    """Whether a branch holds any habitat of a typology that is known here."""
    return HabitatType.objects.filter(code__startswith=branch).exists()
