import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from bioccia.tables import TableError
from habitats.importers.crosswalks import CrosswalkChoices, import_crosswalk_file
from habitats.importers.typologies import import_typology_file
from habitats.models import Crosswalk, CrosswalkRow
from tests import factories
from tests.ml.compute.rasters import shared_path

pytestmark = pytest.mark.django_db
HEADER = "from_code,from_name,relation,to_code,to_name,cd_hab_from,cd_hab_to,condition\n"


@pytest.fixture(autouse=True)
def english():
    """Sentences are written in English, whatever the platform's first language."""
    with translation.override("en"):
        yield


@pytest.fixture
def typologies():
    left, right = factories.TypologyFactory(code="PVF2"), factories.TypologyFactory(code="HIC")
    for code, number in (("57-1", 1), ("cd_hab:2", 2), ("58", 3)):
        factories.HabitatTypeFactory(typology=left, code=code, cd_hab=number)
    for code, number in (("1110", 11), ("1120", 12)):
        factories.HabitatTypeFactory(typology=right, code=code, cd_hab=number)


def write(folder, rows, name="xwalk_pvf2_to_hic.csv"):
    file = folder / name
    file.write_text(HEADER + rows)
    return file


def stored():
    return {
        (row.from_type.code, row.relation, row.to_type.code, row.condition)
        for row in CrosswalkRow.objects.select_related("from_type", "to_type")
    }


def test_both_sides_are_found_by_number_first_then_by_code(tmp_path, typologies):
    rows = "57-1,,=,1110,,1,11,\n57-1,,<,1110,,2,11,\n58,,,1120,,999,,sous réserve\n,,#,1120,,2,12,\n"
    report = import_crosswalk_file(write(tmp_path, rows))
    assert stored() == {
        ("57-1", "=", "1110", ""),
        ("cd_hab:2", "<", "1110", ""),
        ("58", "", "1120", "sous réserve"),
        ("cd_hab:2", "#", "1120", ""),
    }
    assert (report.created, report.skipped, report.edition) == (4, {}, "HABREF 7.0")


def test_rows_without_a_side_are_left_out_and_counted(tmp_path, typologies):
    rows = "57-1,,NC,,,1,,\n58,,<,,,3,,\n58,,<,,,3,777,\n57-1,,=,1110,,1,11,\n57-1,,=,1110,,1,11,\n"
    report = import_crosswalk_file(write(tmp_path, rows))
    assert report.skipped == {"no_correspondence": 1, "empty_code_to": 1, "unknown_cd_hab_to": 1, "same_row_again": 1}
    assert report.skipped_rows["unknown_cd_hab_to"] == [4]
    assert (report.rows, report.created) == (5, 1)


def test_conditions_of_one_pair_are_kept_together(tmp_path, typologies):
    import_crosswalk_file(write(tmp_path, "58,,(<),1110,,3,11,one\n58,,(<),1110,,3,11,two\n"))
    assert stored() == {("58", "(<)", "1110", "one; two")}


def test_importing_again_replaces_the_rows_of_the_edition(tmp_path, typologies):
    import_crosswalk_file(write(tmp_path, "57-1,,=,1110,,1,11,\n58,,<,1110,,3,11,\n"))
    kept = CrosswalkRow.objects.get(from_type__code="58").pk
    report = import_crosswalk_file(write(tmp_path, "58,,<,1110,,3,11,new\n"))
    assert (report.created, report.updated, report.removed) == (0, 1, 1)
    assert stored() == {("58", "<", "1110", "new")}
    assert CrosswalkRow.objects.get().pk == kept


def test_editions_live_side_by_side(tmp_path, typologies):
    import_crosswalk_file(write(tmp_path, "58,,<,1110,,3,11,\n"))
    import_crosswalk_file(write(tmp_path, "58,,=,1110,,3,11,\n"), choices=CrosswalkChoices(edition="locale"))
    assert Crosswalk.objects.count() == 2
    assert len(stored()) == 2


def test_unknown_codes_are_listed_with_their_rows_and_nothing_is_imported(tmp_path, typologies):
    file = write(tmp_path, "57-1,,=,1110,,,,\n59,,=,1110,,,,\n58,,=,9999,,,,\n")
    with pytest.raises(TableError) as refusal:
        import_crosswalk_file(file)
    assert "row 3, from_code: 59 is no code of PVF2" in str(refusal.value)
    assert "row 4, to_code: 9999 is no code of HIC" in str(refusal.value)
    assert not Crosswalk.objects.exists()
    report = import_crosswalk_file(file, choices=CrosswalkChoices(skip_unknown=True))
    assert (report.created, report.skipped) == (1, {"unknown_code": 2})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("58,,~,1110,,3,11,\n", "row 2, relation: ~ is no relation"),
        (f"58,,=,1110,,3,11,{'c' * 501}\n", "row 2, condition: is longer than 500"),
        ("58,,=,1110,,1,11,\n", "row 2, from_code: 58 and cd_hab 1 are two habitats of PVF2"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, typologies, row, words):
    with pytest.raises(TableError, match=words):
        import_crosswalk_file(write(tmp_path, row))


def test_a_typology_that_is_not_loaded_is_named_with_the_way_out(tmp_path, typologies):
    file = write(tmp_path, "X,,=,1110,,,11,\n", "xwalk_euroveg_to_hic.csv")
    with pytest.raises(TableError, match=r"EUROVEG of its from side is not loaded.*--side from"):
        import_crosswalk_file(file)


def test_a_file_of_another_name_needs_its_typologies(tmp_path, typologies):
    file = write(tmp_path, "58,,=,1110,,3,11,\n", "correspondances.csv")
    with pytest.raises(TableError, match="--from CODE"):
        import_crosswalk_file(file)
    assert import_crosswalk_file(file, choices=CrosswalkChoices("PVF2", "HIC")).created == 1


def test_a_table_without_numbers_needs_its_edition(tmp_path, typologies):
    file = tmp_path / "xwalk_pvf2_to_hic.csv"
    file.write_text("from_code,to_code\n58,1110\n")
    with pytest.raises(TableError, match="--edition"):
        import_crosswalk_file(file)


def test_the_command_ends_with_a_json_report(tmp_path, typologies, capsys):
    call_command("import_crosswalk", write(tmp_path, "58,,NC,,,3,,\n58,,=,1110,,3,11,\n"))
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["created"], report["skipped"]) == (1, {"no_correspondence": 1})


def test_the_command_fails_with_the_sentence(tmp_path):
    with pytest.raises(CommandError, match="PVF2"):
        call_command("import_crosswalk", write(tmp_path, "58,,=,1110,,3,11,\n"))


TABLES = ("eunis", "eunis_2022", "corine_biotopes", "hic_annex1", "cahiers_habitats", "pvf2_syntaxa")
REAL = {
    "cahiershab_to_corine": (943, {}),
    "cahiershab_to_hic": (728, {"no_correspondence": 2}),
    "corine_to_eunis2012": (1806, {}),
    "eunis2012_to_eunis2022": (5851, {}),
    "eunis2012_to_hic": (524, {"unknown_cd_hab_from": 1}),
    "eunis2022_to_hic": (936, {"no_correspondence": 69}),
    "euroveg_to_eunis2022": (1265, {}),
    "hic_to_eunis2012": (524, {"unknown_cd_hab_to": 1}),
    "hic_to_eunis2022": (936, {}),
    "pvf2_to_corine": (1925, {"no_correspondence": 35, "empty_code_to": 1, "same_row_again": 1}),
    "pvf2_to_eunis2012": (2110, {"no_correspondence": 20}),
    "pvf2_to_hic": (1146, {"no_correspondence": 673, "empty_code_to": 3}),
}


@pytest.mark.shared
def test_real_crosswalks_import_whole():
    for name in TABLES:
        import_typology_file(shared_path(f"reference/{name}.csv"))
    import_typology_file(shared_path("reference/xwalk_euroveg_to_eunis2022.csv"), side="from")
    for name, (count, skipped) in REAL.items():
        report = import_crosswalk_file(shared_path(f"reference/xwalk_{name}.csv"))
        assert (report.created, report.skipped) == (count, skipped), name
        assert import_crosswalk_file(shared_path(f"reference/xwalk_{name}.csv")).updated == count
