"""What to learn a class at when a single sample speaks for it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml.compute.hierarchy import Hierarchy


@dataclass(frozen=True)
class LearnedCodes:
    """Where lonely classes went.

    Attributes:
        at_parent: parent by code, for classes of one sample whose legend has a parent.
        alone: classes of one sample without a parent, learned as they are.
    """

    at_parent: Mapping[str, str]
    alone: tuple[str, ...]

    def of(self, code: str) -> str:
        """The code that a sample is learned at."""
        return self.at_parent.get(code, code)

    def notices(self) -> list[str]:
        """One sentence a class, for the report."""
        raised = [
            f"{code}: a single sample; learned at its parent {parent}." for code, parent in self.at_parent.items()
        ]
        kept = [
            f"{code}: a single sample and no parent in the legend; learned as it is, held out nowhere."
            for code in self.alone
        ]
        return raised + kept


def learned_codes(codes: Sequence[str], hierarchy: Hierarchy) -> LearnedCodes:
    """Decide at which code each class is learned.

    One place cannot say what a class looks like elsewhere, nor be held out: it teaches its parent, which siblings
    share. Classes of two samples or more are learned as they are.

    Args:
        codes: (samples,) the code of each sample that teaches.
        hierarchy: the legend's tree.

    Returns:
        The classes that moved up, and those that could not.
    """
    lonely = sorted(code for code, count in Counter(codes).items() if count == 1)
    at_parent = {code: hierarchy.parents[code] for code in lonely if hierarchy.parents.get(code)}
    return LearnedCodes(at_parent, tuple(code for code in lonely if code not in at_parent))
