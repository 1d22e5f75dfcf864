"""What every import of a table tells at its end: rows written, rows left out and why."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

LISTED_ROWS = 20


@dataclass(frozen=True, slots=True)
class StoredRows:
    """How many rows a write added, rewrote, removed."""

    created: int
    updated: int
    removed: int = 0


@dataclass(kw_only=True)
class ImportReport:
    """What was imported."""

    file: str
    rows: int = 0
    created: int = 0
    updated: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the last line of the command."""
        return asdict(self)


@dataclass(kw_only=True)
class SkippingReport(ImportReport):
    """What was imported, what was not, and why; `skipped_rows` names the first rows of each reason."""

    removed: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    skipped_rows: dict[str, list[int]] = field(default_factory=dict)

    def skip(self, reason: str, row: int) -> None:
        """Count a row that is left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        if len(rows := self.skipped_rows.setdefault(reason, [])) < LISTED_ROWS:
            rows.append(row)

    def skipped_sentences(self) -> Iterator[str]:
        """One line a reason, for whoever types the command."""
        for reason, rows in self.skipped_rows.items():
            yield f"{reason}: {self.skipped[reason]} rows left out, the first ones: {rows}"
