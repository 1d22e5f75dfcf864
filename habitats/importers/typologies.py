"""A typology from a table: which columns mean what, which rows can be stored, and why others cannot."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from bioccia.import_reports import ImportReport
from bioccia.tables import Problem, Table, TableError, longest_text, read_table, refuse_problems
from habitats.actions import HabitatRow, TypologyFacts, store_typology
from habitats.importers.known_tables import facts_of_file, side_of_crosswalk_file
from habitats.models import HabitatType, Typology

ALIASES: dict[str, tuple[str, ...]] = {
    "code": ("code", "lb_code", "eunis_code", "code_habitat", "hab_code"),
    "parent": ("parent", "parent_code", "code_parent", "lb_code_sup"),
    "level": ("level", "niveau", "rank_level"),
    "label_fr": ("label_fr", "name_fr", "nom_fr", "lb_hab_fr", "libelle", "label", "nom", "syntaxon_full", "syntaxon"),
    "label_en": ("label_en", "name_en", "nom_en", "lb_hab_en"),
    "cd_hab": ("cd_hab",),
    "cd_hab_parent": ("cd_hab_sup", "cd_hab_parent"),
    "edition": ("version", "edition"),
    "validity": ("validity", "validite"),
}
MARKUP = re.compile(r"</?(?:em|i|b|strong|sub|sup)>")
LONGEST_CODE = longest_text(HabitatType, "code")
LONGEST_LABEL = longest_text(HabitatType, "label_fr")


@dataclass(kw_only=True)
class TypologyReport(ImportReport):
    """What was imported, what was not, and why."""

    typology: str
    without_parent: int = 0
    named_by_cd_hab: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


@dataclass
class _Draft:
    """A habitat being read."""

    row: int
    code: str
    values: dict[str, str]
    cd_hab: int | None = None
    level: int | None = None
    parent_code: str | None = None


def import_typology_file(
    path: Path,
    *,
    facts: dict[str, str] | None = None,
    side: str = "",
    encoding: str = "utf-8",
) -> TypologyReport:
    """Import a typology from a table, whole or not at all; importing it again updates it.

    Args:
        path: CSV or TSV, see ALIASES for the columns.
        facts: `code`, `name`, `edition`, `source` given by the person; what is missing follows from the file's name.
        side: "from" or "to" where the typology only exists as one side of a crosswalk table.
        encoding: of the text.

    Raises:
        TableError: naming the file, the row, the field and the way out.
    """
    table = read_table(path, _aliases(side), required=["code"], encoding=encoding)
    typology = _typology_facts(path, facts or {}, side)
    report = TypologyReport(typology=typology.code, file=path.name)
    drafts = _read_drafts(table, typology, report, distinct=bool(side))
    _name_codeless(drafts, report)
    problems = [*_check_codes(table, drafts), *_read_numbers(table, drafts, report), *_check_labels(table, drafts)]
    refuse_problems(path, problems)
    refuse_problems(path, _link(table, drafts, _stored_codes(typology.code)))
    rows = [_habitat_row(draft, table) for draft in drafts]
    stored = store_typology(facts=typology, rows=rows)
    report.created, report.updated = stored.created, stored.updated
    report.without_parent = sum(not row.parent_code for row in rows)
    return report


def _aliases(side: str) -> dict[str, tuple[str, ...]]:
    if not side:
        return ALIASES
    return {
        "code": (f"{side}_code", f"code_{side}"),
        "label_fr": (f"{side}_name", f"name_{side}"),
        "cd_hab": (f"cd_hab_{side}",),
    }


def _typology_facts(path: Path, given: dict[str, str], side: str) -> TypologyFacts:
    known = facts_of_file(path) if not side else None
    code = given.get("code") or (known.code if known else side_of_crosswalk_file(path, side))
    if not code:
        raise TableError(
            _("%(file)s: its name does not say which typology it holds. Say it with --typology CODE.")
            % {"file": path.name}
        )
    known = known if known and known.code == code else None
    stored = Typology.objects.filter(code=code).first()
    return TypologyFacts(
        code=code,
        name=given.get("name") or (known.name if known else stored.name if stored else code),
        edition=given.get("edition") or (known.edition if known else stored.version if stored else ""),
        source=given.get("source") or (known.source if known else stored.source if stored else ""),
    )


def _read_drafts(table: Table, facts: TypologyFacts, report: TypologyReport, *, distinct: bool) -> list[_Draft]:
    """The rows of the edition asked for; of a crosswalk's side, each habitat once."""
    edition = _edition_of_rows(table, facts.edition)
    skipped: Counter[str] = Counter()
    drafts, seen = [], set()
    for number, values in table.rows():
        report.rows += 1
        if edition and values["edition"] != edition:
            skipped["other_edition"] += 1
        elif distinct and not (values["code"] or values.get("cd_hab")):
            skipped["no_code"] += 1
        elif distinct and (values["code"], values.get("cd_hab")) in seen:
            skipped["same_habitat_again"] += 1
        else:
            seen.add((values["code"], values.get("cd_hab")))
            drafts.append(_Draft(row=number, code=values["code"], values=values))
    report.skipped = dict(skipped)
    return drafts


def _edition_of_rows(table: Table, asked: str) -> str:
    """Where a column names the edition of each row: the one asked for, else the most frequent."""
    editions = Counter(values["edition"] for _number, values in table.rows() if values.get("edition"))
    if not editions:
        return ""
    return asked if asked in editions else editions.most_common(1)[0][0]


def _name_codeless(drafts: list[_Draft], report: TypologyReport) -> None:
    """Give `cd_hab:N` as a code to what has no code of its own, or shares it with another habitat.

    Higher syntaxa of the PVF2 have no code, and five of its codes stand twice: only the HABREF number tells them apart.
    """
    owners: dict[str, _Draft] = {}
    for draft in sorted(drafts, key=lambda draft: (draft.values.get("validity", "") not in {"", "NR"}, draft.row)):
        cd_hab = draft.values.get("cd_hab", "")
        if not draft.code and cd_hab.isdigit():
            draft.code = f"cd_hab:{cd_hab}"
            report.named_by_cd_hab += 1
            continue
        owner = owners.setdefault(draft.code, draft)
        if owner is not draft and cd_hab.isdigit() and owner.values.get("cd_hab", "") not in {"", cd_hab}:
            report.notices.append(
                _("row %(row)s: code %(code)s already belongs to row %(owner)s; stored as cd_hab:%(cd_hab)s")
                % {"row": draft.row, "code": draft.code, "owner": owner.row, "cd_hab": cd_hab}
            )
            draft.code = f"cd_hab:{cd_hab}"


def _check_codes(table: Table, drafts: Sequence[_Draft]) -> list[Problem]:
    problems, first_rows = [], dict[str, int]()
    header = table.header_of("code")
    for draft in drafts:
        first = first_rows.setdefault(draft.code, draft.row)
        if not draft.code:
            problems.append(Problem(draft.row, header, _("is empty; give the habitat its code or its cd_hab")))
        elif len(draft.code) > LONGEST_CODE:
            message = _("is longer than %(limit)s characters: %(value)s") % {"limit": LONGEST_CODE, "value": draft.code}
            problems.append(Problem(draft.row, header, message))
        elif first != draft.row:
            message = _("%(code)s is already the code of row %(row)s; keep one of them") % {
                "code": draft.code,
                "row": first,
            }
            problems.append(Problem(draft.row, header, message))
    return problems


def _read_numbers(table: Table, drafts: Sequence[_Draft], report: TypologyReport) -> list[Problem]:
    problems = []
    for draft in drafts:
        level, cd_hab = draft.values.get("level", ""), draft.values.get("cd_hab", "")
        if level and not level.isdigit():
            message = _("%(value)s is not a whole number") % {"value": level}
            problems.append(Problem(draft.row, table.header_of("level"), message))
        elif level:
            draft.level = int(level)
        if cd_hab.isdigit():
            draft.cd_hab = int(cd_hab)
        elif cd_hab:  # eunis.csv: two French names were cut at a semicolon, and their end stands in this column
            report.notices.append(
                _("row %(row)s: %(field)s is not a number and was left empty: %(value)s")
                % {"row": draft.row, "field": table.header_of("cd_hab"), "value": cd_hab[:60]}
            )
    return problems


def _check_labels(table: Table, drafts: Sequence[_Draft]) -> list[Problem]:
    return [
        Problem(
            draft.row,
            table.header_of(name),
            _("is longer than %(limit)s characters: shorten it") % {"limit": LONGEST_LABEL},
        )
        for draft in drafts
        for name in ("label_fr", "label_en")
        if len(draft.values.get(name, "")) > LONGEST_LABEL
    ]


def _stored_codes(typology_code: str) -> set[str]:
    return set(HabitatType.objects.filter(typology__code=typology_code).values_list("code", flat=True))


def _link(table: Table, drafts: Sequence[_Draft], stored: set[str]) -> list[Problem]:
    """Find the code of each parent, by its code or by its HABREF number; a top habitat may name itself."""
    if "parent" not in table and "cd_hab_parent" not in table:
        return []
    by_number = {draft.cd_hab: draft.code for draft in drafts if draft.cd_hab is not None}
    known = stored | {draft.code for draft in drafts}
    problems = []
    for draft in drafts:
        wanted, number = draft.values.get("parent", ""), draft.values.get("cd_hab_parent", "")
        found = wanted or (by_number.get(int(number), number) if number.isdigit() else number)
        draft.parent_code = "" if found == draft.code else found
        if draft.parent_code and draft.parent_code not in known:
            message = _("%(code)s is the code of no row; add it, or leave the parent empty") % {"code": found}
            problems.append(Problem(draft.row, table.header_of("parent" if wanted else "cd_hab_parent"), message))
    return problems or _circles(table, drafts)


def _circles(table: Table, drafts: Sequence[_Draft]) -> list[Problem]:
    parents = {draft.code: draft.parent_code for draft in drafts}
    problems = []
    for draft in drafts:
        passed, above = {draft.code}, draft.parent_code
        while above and above not in passed:
            passed.add(above)
            above = parents.get(above)
        if above == draft.code:
            message = _("%(code)s is among its own parents; correct the chain") % {"code": draft.code}
            problems.append(Problem(draft.row, table.header_of("parent"), message))
    return problems


def _habitat_row(draft: _Draft, table: Table) -> HabitatRow:
    return HabitatRow(
        code=draft.code,
        parent_code=draft.parent_code,
        level=draft.level,
        label_fr=_label(draft, "label_fr") if "label_fr" in table else None,
        label_en=_label(draft, "label_en") if "label_en" in table else None,
        cd_hab=draft.cd_hab,
    )


def _label(draft: _Draft, name: str) -> str:
    return MARKUP.sub("", draft.values.get(name, "")).replace("\xa0", " ").strip()
