"""A crosswalk from a table: both sides found by HABREF number or by code, the relation kept as published."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from bioccia.import_reports import SkippingReport
from bioccia.tables import Problem, Table, TableError, longest_text, read_table, refuse_problems
from habitats.actions import Correspondence, CrosswalkFacts, store_crosswalk
from habitats.importers.known_tables import HABREF, HABREF_EDITION, side_of_crosswalk_file
from habitats.models import CrosswalkRow, HabitatType, Typology

ALIASES: dict[str, tuple[str, ...]] = {
    "from_code": ("from_code", "code_from", "code_source", "lb_code_entre"),
    "to_code": ("to_code", "code_to", "code_cible", "lb_code_sortie"),
    "cd_hab_from": ("cd_hab_from", "cd_hab_entre"),
    "cd_hab_to": ("cd_hab_to", "cd_hab_sortie"),
    "relation": ("relation", "symbol", "relation_type", "type_relation"),
    "condition": ("condition", "lb_condition", "conditions"),
}
# Signs of HABREF: in brackets, the relation holds under a condition; NC, the habitat has none on the other side.
RELATIONS = ("", "=", "<", ">", "#", "?", "(=)", "(<)", "(>)", "(#)")
NO_CORRESPONDENCE = "NC"
SIDES = ("from", "to")
LONGEST_CONDITION = longest_text(CrosswalkRow, "condition")


@dataclass(kw_only=True)
class CrosswalkReport(SkippingReport):
    """What is told of a crosswalk; rows are skipped where the file leaves them without one of their sides."""

    from_typology: str
    to_typology: str
    edition: str


@dataclass(frozen=True, slots=True)
class CrosswalkChoices:
    """What the person says of the table; empty: what its name says."""

    from_typology: str = ""
    to_typology: str = ""
    edition: str = ""
    source: str = ""
    skip_unknown: bool = False


class _Keys:
    """Finds the habitats of one typology, by HABREF number first: in the PVF2 some codes stand twice."""

    def __init__(self, typology: Typology) -> None:
        self.by_code: dict[str, int] = {}
        self.by_cd_hab: dict[str, int] = {}
        self.named_by_number: set[int] = set()
        self.typology = typology
        for pk, code, cd_hab in HabitatType.objects.filter(typology=typology).values_list("pk", "code", "cd_hab"):
            self.by_code[code] = pk
            if cd_hab is not None:
                self.by_cd_hab[str(cd_hab)] = pk
            if code.startswith("cd_hab:"):
                self.named_by_number.add(pk)

    def find(self, code: str, cd_hab: str) -> int | None:
        """The habitat; None where neither key is known.

        Raises:
            ValueError: the two keys are those of two habitats.
        """
        by_number, by_code = self.by_cd_hab.get(cd_hab), self.by_code.get(code)
        if by_number and by_code and by_number != by_code and by_number not in self.named_by_number:
            raise ValueError
        return by_number or by_code


def import_crosswalk_file(
    path: Path, *, choices: CrosswalkChoices = CrosswalkChoices(), encoding: str = "utf-8"
) -> CrosswalkReport:
    """Import a crosswalk, whole or not at all; importing it again replaces its rows of the same edition.

    Args:
        path: CSV or TSV, see ALIASES for the columns.
        choices: the two typologies, the edition, the source, where the file's name does not say them.
        encoding: of the text.

    Raises:
        TableError: naming the file, the row, the field and the way out.
    """
    table = read_table(path, ALIASES, required=["from_code", "to_code"], encoding=encoding)
    typologies = [_typology(path, side, getattr(choices, f"{side}_typology")) for side in SIDES]
    edition = choices.edition or (HABREF_EDITION if "cd_hab_from" in table or "cd_hab_to" in table else "")
    if not edition:
        raise TableError(
            _("%(file)s: nothing says which edition of the crosswalk this is. Say it with --edition.")
            % {"file": path.name}
        )
    report = CrosswalkReport(
        file=path.name, from_typology=typologies[0].code, to_typology=typologies[1].code, edition=edition
    )
    rows = _read_rows(table, {side: _Keys(one) for side, one in zip(SIDES, typologies, strict=True)}, choices, report)
    source = choices.source or (HABREF if edition == HABREF_EDITION else "")
    facts = CrosswalkFacts(typologies[0], typologies[1], edition, source)
    stored = store_crosswalk(facts=facts, rows=rows)
    report.created, report.updated, report.removed = stored.created, stored.updated, stored.removed
    return report


def _typology(path: Path, side: str, asked: str) -> Typology:
    code = asked or side_of_crosswalk_file(path, side)
    if not code:
        raise TableError(
            _("%(file)s: its name does not say the typology of its %(side)s side. Say it with --%(side)s CODE.")
            % {"file": path.name, "side": side}
        )
    typology = Typology.objects.filter(code=code).first()
    if typology is None:
        raise TableError(
            _(
                "%(file)s: the typology %(code)s of its %(side)s side is not loaded. Import its table first "
                "(import_typology FILE), or take it from this file: import_typology %(file)s --side %(side)s."
            )
            % {"file": path.name, "code": code, "side": side}
        )
    return typology


def _read_rows(
    table: Table, keys: dict[str, _Keys], choices: CrosswalkChoices, report: CrosswalkReport
) -> list[Correspondence]:
    problems: list[Problem] = []
    conditions: dict[tuple[int, int, str], list[str]] = {}
    for number, values in table.rows():
        report.rows += 1
        wrong = _wrong_texts(table, number, values)
        ends = [_find(table, number, side, values, keys[side]) for side in SIDES]
        unknown = [end for end in ends if isinstance(end, Problem)]
        reason = _reason_to_skip(values, ends)
        if wrong or (unknown and not choices.skip_unknown):
            problems += [*wrong, *unknown]
        elif unknown or reason:
            report.skip(reason or "unknown_code", number)
        else:
            _add(conditions, (*ends, values.get("relation", "")), values.get("condition", ""), report, number)
    refuse_problems(table.path, problems)
    return [
        Correspondence(from_type, to_type, relation, "; ".join(texts))
        for (from_type, to_type, relation), texts in conditions.items()
    ]


def _wrong_texts(table: Table, number: int, values: dict[str, str]) -> list[Problem]:
    problems = []
    relation = values.get("relation", "")
    if relation not in RELATIONS and relation != NO_CORRESPONDENCE:
        message = _("%(value)s is no relation; write one of %(known)s") % {
            "value": relation,
            "known": " ".join([*RELATIONS[1:], NO_CORRESPONDENCE]),
        }
        problems.append(Problem(number, table.header_of("relation"), message))
    if len(values.get("condition", "")) > LONGEST_CONDITION:
        message = _("is longer than %(limit)s characters: shorten it") % {"limit": LONGEST_CONDITION}
        problems.append(Problem(number, table.header_of("condition"), message))
    return problems


def _find(table: Table, number: int, side: str, values: dict[str, str], keys: _Keys) -> int | Problem | None:
    """The habitat of one side; None where the row gives no code and no known number; else what is wrong."""
    code, cd_hab = values[f"{side}_code"], values.get(f"cd_hab_{side}", "")
    header = table.header_of(f"{side}_code")
    try:
        found = keys.find(code, cd_hab)
    except ValueError:
        message = _("%(code)s and cd_hab %(cd_hab)s are two habitats of %(typology)s; correct one of them")
        return Problem(number, header, message % {"code": code, "cd_hab": cd_hab, "typology": keys.typology.code})
    if found is None and code:
        message = _("%(code)s is no code of %(typology)s; correct it, or leave such rows out with --skip-unknown")
        return Problem(number, header, message % {"code": code, "typology": keys.typology.code})
    return found


def _reason_to_skip(values: dict[str, str], ends: list[int | Problem | None]) -> str:
    if values.get("relation") == NO_CORRESPONDENCE:
        return "no_correspondence"
    if None not in ends:
        return ""
    side = SIDES[ends.index(None)]
    return f"unknown_cd_hab_{side}" if values.get(f"cd_hab_{side}") else f"empty_code_{side}"


def _add(
    conditions: dict[tuple[int, int, str], list[str]],
    key: tuple[Any, ...],
    condition: str,
    report: CrosswalkReport,
    number: int,
) -> None:
    if key in conditions:
        report.skip("same_row_again", number)
    texts = conditions.setdefault(key, [])
    if condition and condition not in texts:
        texts.append(condition)
