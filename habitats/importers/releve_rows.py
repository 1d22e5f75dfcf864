"""What each row of a file of relevés says, and what is wrong in it, field by field."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from bioccia.tables import longest_text
from habitats.actions import CitedHabitat, CitedSpecies
from habitats.importers.known_tables import KNOWN_TYPOLOGIES
from habitats.importers.releve_files import TYPED_COLUMNS, ReleveTable
from habitats.importers.releve_places import Ground, PlaceError, place_of_shape, place_of_texts
from habitats.models import Determination, Releve, ReleveSpecies, Typology
from habitats.queries.resolution import HabitatResolver
from habitats.states import BRAUN_BLANQUET, DatePrecision
from species.importers.taxon_finder import TaxonFinder
from species.importers.values import is_absent, read_decimal, read_period, read_whole

EARLIEST_YEAR = 1800
LONGEST_COMMENT = 10_000
SENSITIVITIES = range(5)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class WrongCell:
    """What is wrong in one cell, and the way out; `field` is our name of the column, `header` the file's."""

    row: int
    field: str
    header: str
    value: str
    message: str
    can_be_typed: bool = True


@dataclass(slots=True)
class ReadRow:
    """What one row says; only rows without a wrong cell are used."""

    row: int
    external_id: str = ""
    place: BaseGeometry | None = None
    habitat: CitedHabitat | None = None
    species: CitedSpecies | None = None
    observed_on: datetime.date | None = None
    date_precision: DatePrecision = DatePrecision.DAY
    texts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float | None] = field(default_factory=dict)


class RowReader:
    """Reads the rows of one file one after the other, and gathers what is wrong and what is to be known."""

    def __init__(self, read: ReleveTable, *, ground: Ground, today: datetime.date) -> None:
        self.read, self.ground, self.today = read, ground, today
        self.wrong: list[WrongCell] = []
        self.unknown_codes: dict[str, set[str]] = {}
        self.undated = self.unsigned = 0
        self.resolver = HabitatResolver(ground.region.typology_code)
        self.typologies = {code.casefold(): code for code in Typology.objects.values_list("code", flat=True)}
        self.known_elsewhere = {facts.code.casefold(): facts.code for facts in KNOWN_TYPOLOGIES.values()}
        self.finder = TaxonFinder() if {"taxon", "cd_nom"} & read.table.columns.keys() else None

    def row(self, place: int, corrections: dict[str, str]) -> ReadRow:
        """Read a row, with the cells that the person corrected on the page."""
        number = self.read.numbers[place]
        texts = self.read.row_texts(place) | corrections
        row = ReadRow(number, texts=texts)
        row.external_id = self._text(row, "external_id", longest_text(Releve, "external_id"))
        self._read_place(row, place, corrections)
        self._read_date(row)
        self._read_numbers(row)
        row.habitat = self._habitat(row)
        row.species = self._species(row)
        for name, longest in (
            ("observers", longest_text(Releve, "observers")),
            ("method", longest_text(Releve, "method")),
            ("comment", LONGEST_COMMENT),
        ):
            row.texts[name] = self._text(row, name, longest)
        self.unsigned += is_absent(row.texts["observers"])
        return row

    def fault(self, row: ReadRow, name: str, message: str, *, can_be_typed: bool = True) -> None:
        """Note a wrong cell."""
        header = self.read.table.header_of(name)
        typed = can_be_typed and name in self.read.table
        self.wrong.append(WrongCell(row.row, name, header, row.texts.get(name, ""), message, typed))

    def _text(self, row: ReadRow, name: str, longest: int) -> str:
        text = row.texts.get(name, "")
        if len(text) > longest:
            self.fault(row, name, _("has more than %(count)s characters; shorten it") % {"count": longest})
        if "\x00" in text:
            self.fault(row, name, _("holds a character that no text has; type it again"))
        return text

    def _read_place(self, row: ReadRow, place: int, corrections: dict[str, str]) -> None:
        try:
            if self.read.shapes is not None and self.read.crs is not None and "geometry" not in corrections:
                shape, name = place_of_shape(self.read.shapes[place], self.read.crs), "geometry"
            else:
                shape, name = place_of_texts(row.texts)
            self.ground.check(shape, name)
        except PlaceError as error:
            self.fault(row, error.field, str(error))
        else:
            row.place = shape

    def _read_date(self, row: ReadRow) -> None:
        text = row.texts.get("date", "")
        if "date" not in self.read.table:
            self.undated += 1
            return
        try:
            period = read_period(text)
        except ValueError as error:
            self.fault(row, "date", str(error))
            return
        if period is None:
            self.fault(row, "date", _("is empty; write the day, or leave the column out where no relevé has a date"))
            return
        row.observed_on, row.date_precision = period[0], _precision(*period)
        if period[0].year != period[1].year:
            self.fault(row, "date", _("spans several years; write the day"))
        elif period[0] > self.today:
            self.fault(row, "date", _("%(date)s is still to come") % {"date": text})
        elif period[0].year < EARLIEST_YEAR:
            self.fault(row, "date", _("%(date)s is too long ago to be right") % {"date": text})

    def _read_numbers(self, row: ReadRow) -> None:
        bounds = {"accuracy": (0.0, 100_000.0), "area": (0.01, 1e8), "cover": (0.0, 100.0)}
        for name, (lowest, highest) in bounds.items():
            value = self._value(row, name, lambda text: read_decimal(text.removesuffix("%").strip()))
            row.numbers[name] = value
            if value is not None and not lowest <= value <= highest:
                words = {"lowest": f"{lowest:g}", "highest": f"{highest:.0f}"}
                self.fault(row, name, _("must be from %(lowest)s to %(highest)s") % words)
        row.numbers["sensitivity"] = level = self._value(row, "sensitivity", read_whole)
        if level is not None and level not in SENSITIVITIES:
            self.fault(row, "sensitivity", _("must be a level from 0 to 4"))

    def _value(self, row: ReadRow, name: str, reader: Callable[[str], Value | None]) -> Value | None:
        try:
            return reader(row.texts.get(name, ""))
        except ValueError as error:
            self.fault(row, name, str(error))
            return None

    def _habitat(self, row: ReadRow) -> CitedHabitat | None:
        """The habitat as cited; the typology is the column's, else the row's, else that of the region's legend."""
        typed = [(f"habitat:{typology}", typology) for typology in TYPED_COLUMNS]
        default = row.texts.get("typology", "") or self.ground.region.typology_code
        for name, typology in [*typed, ("habitat", default)]:
            code = row.texts.get(name, "")
            if not is_absent(code):
                return self._cited(row, name, typology, code)
        if not row.texts.get("taxon") and not row.texts.get("cd_nom"):
            shown = next((name for name, _typology in [("habitat", ""), *typed] if name in self.read.table), "habitat")
            self.fault(row, shown, _("is empty; write the code of the habitat"))
        return None

    def _cited(self, row: ReadRow, name: str, typology: str, code: str) -> CitedHabitat | None:
        known = self.typologies.get(typology.casefold()) or self.known_elsewhere.get(typology.casefold())
        if known is None:
            names = ", ".join(sorted(self.typologies.values()))
            message = _("%(value)s is no typology known here; write one of %(names)s")
            self.fault(row, "typology", message % {"value": typology, "names": names})
            return None
        if len(code) > longest_text(Determination, "cited_code"):
            self.fault(row, name, _("is no code: it is too long"))
            return None
        if self.resolver.find(known, code) is None and self.resolver.row_around(known, code) is None:
            self._note_unknown(row, name, known, code)
        cover = row.numbers.get("cover")
        cited_name = self._text(row, "habitat_name", longest_text(Determination, "cited_name"))
        return CitedHabitat(known, code, cited_name, cover)

    def _note_unknown(self, row: ReadRow, name: str, typology: str, code: str) -> None:
        """A code that the legend's own typology lacks is a mistake; another typology may not be loaded whole."""
        if typology != self.ground.region.typology_code:
            self.unknown_codes.setdefault(typology, set()).add(code)
            return
        closest = self.resolver.closest(typology, code)
        words = {"code": code, "typology": typology, "closest": closest}
        message = _("%(code)s is no habitat of %(typology)s here")
        message = (
            _("%(code)s is no habitat of %(typology)s here; the closest one is %(closest)s") if closest else message
        )
        self.fault(row, name, message % words)

    def _species(self, row: ReadRow) -> CitedSpecies | None:
        name = self._text(row, "taxon", longest_text(ReleveSpecies, "cited_name"))
        cd_nom = self._value(row, "cd_nom", read_whole)
        if is_absent(name) and cd_nom is None:
            return None
        abundance = row.texts.get("abundance", "").lower().removesuffix(".0")
        if abundance and abundance not in BRAUN_BLANQUET:
            message = _("%(value)s is no Braun-Blanquet coefficient; write 5, 4, 3, 2 (2a, 2b, 2m), 1, +, r or i")
            self.fault(row, "abundance", message % {"value": abundance[:20]})
        taxon = self.finder.find(cd_nom=cd_nom, taxon_id="", name=name) if self.finder else None
        return CitedSpecies(name or f"cd_nom {cd_nom}", abundance[:5], taxon)


def _precision(first: datetime.date, last: datetime.date) -> DatePrecision:
    if first == last:
        return DatePrecision.DAY
    return DatePrecision.MONTH if (first.year, first.month) == (last.year, last.month) else DatePrecision.YEAR
