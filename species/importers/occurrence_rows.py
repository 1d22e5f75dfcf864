"""One occurrence from the texts of its row: what is wrong in it, and why it may be left out."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from bioccia.tables import Problem, Table, longest_text
from species.importers.names import canonical_name
from species.importers.values import Period, is_absent, read_decimal, read_parts, read_period, read_whole
from species.models import Observation
from species.states import Precision

ABSENCES = {"absent", "absence", "no", "non", "non observe", "non observé", "0"}
# RGF93 and ETRS89 differ from WGS 84 by less than a metre in Europe.
WGS84_NAMES = {"", "wgs84", "epsg4326", "4326", "wgs1984", "rgf93", "etrs89", "epsg4171", "epsg4258", "unknown"}
LONGEST = {name: longest_text(Observation, name) for name in ("source_id", "cited_name", "observers")}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What one row says, read; `left_out` is the reason why it is not an observation to keep."""

    row: int
    source_id: str
    cited_name: str
    name: str
    cd_nom: int | None
    taxon_id: str
    longitude: float
    latitude: float
    period: Period | None
    uncertainty_m: float | None
    count: int | None
    observers: str
    sensitivity: int
    left_out: str
    facts: dict[str, str]


class OccurrenceReader:
    """Reads rows one after the other and keeps their problems."""

    def __init__(self, table: Table, *, taxon: str, sensitivity: int, today: datetime.date) -> None:
        self.table, self.taxon, self.sensitivity, self.today = table, taxon, sensitivity, today
        self.problems: list[Problem] = []
        self.row = 0
        self.values: dict[str, str] = {}

    def read(self, row: int, values: dict[str, str]) -> Occurrence:
        """Read one row; what is wrong goes to `problems`, and stands in the answer as absent."""
        self.row, self.values = row, values
        cited = values.get("cited_name") or values.get("name") or self.taxon
        name = values.get("name") or cited
        cd_nom = self._number("cd_nom", read_whole)
        longitude, latitude, placed = self._position()
        count = self._number("count", read_whole)
        occurrence = Occurrence(
            row=row,
            source_id=self._text("source_id"),
            cited_name=cited[: LONGEST["cited_name"]],
            name=name,
            cd_nom=cd_nom,
            taxon_id=values.get("taxon_id", ""),
            longitude=longitude,
            latitude=latitude,
            period=self._period(),
            uncertainty_m=self._number("uncertainty", read_decimal) or None,
            count=count,
            observers=self._text("observers"),
            sensitivity=self._sensitivity(),
            left_out=self._reason_to_leave_out(placed=placed, count=count),
            facts={field: values.get(field, "") for field in ("authorship", "rank", "family")},
        )
        if not canonical_name(name) and cd_nom is None and not occurrence.taxon_id:
            self._wrong("name", _("is empty; write the name of the taxon"))
        return occurrence

    def wrong(self, row: int, field: str, message: Any) -> None:
        """Note what is wrong in a field of a row."""
        self.problems.append(Problem(row, self.table.header_of(field), message))

    def _wrong(self, field: str, message: Any) -> None:
        self.wrong(self.row, field, message)

    def _number(self, field: str, read: Callable[[str], Any]) -> Any:
        try:
            number = read(self.values.get(field, ""))
        except ValueError as error:
            self._wrong(field, error)
            return None
        if number is not None and number < 0:
            self._wrong(field, _("%(value)s is below zero") % {"value": self.values[field]})
        return number

    def _text(self, field: str) -> str:
        text, longest = self.values.get(field, ""), LONGEST[field]
        if len(text) > longest:
            self._wrong(field, _("is longer than %(limit)s characters: shorten it") % {"limit": longest})
        return text

    def _position(self) -> tuple[float, float, bool]:
        """Longitude, latitude, and whether the row has them at all."""
        datum = "".join(letter for letter in self.values.get("datum", "").lower() if letter.isalnum())
        if datum not in WGS84_NAMES:
            self._wrong("datum", _("%(value)s is not WGS 84; convert the positions") % {"value": self.values["datum"]})
        texts = [self.values["longitude"], self.values["latitude"]]
        if any(is_absent(text) for text in texts):
            return 0.0, 0.0, False
        degrees = {}
        for field, limit in (("longitude", 180.0), ("latitude", 90.0)):
            try:
                degrees[field] = read_decimal(self.values[field]) or 0.0
            except ValueError as error:
                self._wrong(field, error)
                degrees[field] = 0.0
            if abs(degrees[field]) > limit:
                message = _("%(value)s is out of range; write decimal degrees (are latitude and longitude swapped?)")
                self._wrong(field, message % {"value": self.values[field]})
        return degrees["longitude"], degrees["latitude"], True

    def _period(self) -> Period | None:
        field = "date"
        try:
            period = read_period(self.values.get("date", ""))
            if period is None:
                field = "date_from"
                period = self._period_of_two_columns()
            if period is None:
                field = "year"
                period = read_parts(*(self.values.get(part, "") for part in ("year", "month", "day")))
        except ValueError as error:
            self._wrong(field, error)
            return None
        if period and (period[0] > self.today or period[1] < period[0]):
            message = _("%(start)s to %(end)s is in the future, or ends before it starts")
            self._wrong(field, message % {"start": period[0], "end": period[1]})
        return period

    def _period_of_two_columns(self) -> Period | None:
        start = read_period(self.values.get("date_from", ""))
        end = read_period(self.values.get("date_to", ""))
        return (start[0], (end or start)[1]) if start else end

    def _sensitivity(self) -> int:
        """The level of the row, or the one said for the file if it is stricter."""
        text = self.values.get("sensitivity", "").strip()
        digits = text.removesuffix(".0")
        if digits and digits not in {str(level.value) for level in Precision} and not is_absent(text):
            self._wrong("sensitivity", _("%(value)s is no level of sensitivity; write 0 to 4") % {"value": text})
            return Precision.NOTHING
        return max(self.sensitivity, int(digits)) if digits.isdigit() else self.sensitivity

    def _reason_to_leave_out(self, *, placed: bool, count: int | None) -> str:
        # An absence is information for models, not a taxon of the commune.
        if self.values.get("status", "").lower() in ABSENCES or count == 0:
            return "absence"
        return "" if placed else "no_position"
