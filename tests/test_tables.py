import gzip

import pytest
from django.utils import translation

from bioccia import tables
from bioccia.tables import Problem, TableError, read_table, refuse_problems

ALIASES = {"code": ("code", "lb_code"), "label": ("libellé", "name_fr")}


@pytest.fixture(autouse=True)
def english():
    """Sentences are written in English, whatever the platform's first language."""
    with translation.override("en"):
        yield


def write(folder, text, name="table.csv", encoding="utf-8"):
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_table_is_read_whatever_its_separator(tmp_path, separator):
    file = write(tmp_path, f"LB_CODE{separator}Libelle\n09{separator}Marais\n")
    table = read_table(file, ALIASES)
    assert list(table.rows()) == [(2, {"code": "09", "label": "Marais"})]
    assert table.header_of("code") == "LB_CODE"


def test_the_first_alias_that_a_file_has_wins(tmp_path):
    table = read_table(write(tmp_path, "lb_code,code\nwrong,right\n"), ALIASES)
    assert table.columns["code"] == ["right"]


def test_a_byte_order_mark_and_quotes_do_not_hide_the_first_column(tmp_path):
    table = read_table(write(tmp_path, '\ufeff"code",name_fr\n1.10,"Landes, bruyères"\n'), ALIASES)
    assert list(table.rows()) == [(2, {"code": "1.10", "label": "Landes, bruyères"})]


def test_tabs_without_quotes_keep_a_lone_quote_as_a_letter(tmp_path):
    table = read_table(write(tmp_path, 'code\tname_fr\nA\tlieu dit "le pré\nB\tautre\n'), ALIASES)
    assert table.columns["code"] == ["A", "B"]


def test_empty_rows_are_left_out_and_still_numbered(tmp_path):
    table = read_table(write(tmp_path, "code,name_fr\nA,a\n\n,\nB,b\n"), ALIASES)
    assert [number for number, _values in table.rows()] == [2, 5]


def test_a_packed_table_is_read(tmp_path):
    file = tmp_path / "table.csv.gz"
    file.write_bytes(gzip.compress(b"code\nA\n"))
    assert read_table(file, ALIASES).columns["code"] == ["A"]


def test_another_encoding_is_refused_and_then_named(tmp_path):
    file = write(tmp_path, "code,name_fr\nA,Forêt\n", encoding="cp1252")
    with pytest.raises(TableError, match=r"table.csv .*0xEA.*--encoding"):
        read_table(file, ALIASES)
    assert read_table(file, ALIASES, encoding="cp1252").columns["label"] == ["Forêt"]


def test_an_unknown_encoding_is_said(tmp_path):
    with pytest.raises(TableError, match="klingon"):
        read_table(write(tmp_path, "code\nA\n"), ALIASES, encoding="klingon")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"code,name_fr\nA,b,c,d\n", "row 2: 4 values under 2 headers"),
        (b"code,name_fr\nA,b\x00\n", "zero byte"),
        (b"name_fr\nMarais\n", "no column for code.*code or lb_code.*found are: name_fr"),
        (b"\x1f\x8bnot really", "cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(tmp_path, content, words):
    file = tmp_path / "wrong.csv"
    file.write_bytes(content)
    with pytest.raises(TableError, match=words):
        read_table(file, ALIASES, required=["code"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TableError, match="nowhere"):
        read_table(tmp_path / "nowhere.csv", ALIASES)


def test_a_bomb_stops_at_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_BYTES", 10_000)
    file = tmp_path / "bomb.csv.gz"
    file.write_bytes(gzip.compress(b"code\n" + b"A\n" * 100_000))
    with pytest.raises(TableError, match="unpacked"):
        read_table(file, ALIASES)


def test_problems_are_listed_up_to_twenty_with_their_total(tmp_path):
    problems = [Problem(row, "code", "is empty") for row in range(2, 32)]
    with pytest.raises(TableError) as refusal:
        refuse_problems(tmp_path / "table.csv", problems)
    lines = str(refusal.value).splitlines()
    assert "30 wrong values, nothing was imported" in lines[0]
    assert lines[1].strip() == "row 2, code: is empty"
    assert lines[-1].strip() == "and 10 more"
    assert len(lines) == 22
