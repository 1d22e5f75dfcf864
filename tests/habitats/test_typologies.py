import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from bioccia.tables import TableError
from habitats.importers.typologies import import_typology_file
from habitats.models import HabitatType, Typology
from tests import factories
from tests.ml.compute.rasters import shared_path

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    """Sentences are written in English, whatever the platform's first language."""
    with translation.override("en"):
        yield


def write(folder, text, name="eunis.csv", encoding="utf-8"):
    file = folder / name
    file.write_text(text, encoding=encoding)
    return file


def codes(typology):
    return list(HabitatType.objects.filter(typology__code=typology).values_list("code", flat=True))


def test_a_known_file_says_its_typology_and_links_parents(tmp_path):
    file = write(tmp_path, "code,level,parent,name_en,name_fr,cd_hab\nE,1,,Grasslands,Prairies,83\nE1.10,3,E,Dry,,\n")
    report = import_typology_file(file)
    child = HabitatType.objects.get(typology__code="EUNIS2012", code="E1.10")
    assert (report.created, report.updated, report.without_parent) == (2, 0, 1)
    assert (child.parent.code, child.level, child.label_en, child.cd_hab) == ("E", 3, "Dry", None)
    assert child.parent.cd_hab == 83


def test_importing_again_updates_and_removes_nothing(tmp_path):
    import_typology_file(write(tmp_path, "code,name_fr,cd_hab\nE,Prairies,83\nF,Landes,84\n"))
    report = import_typology_file(write(tmp_path, "code,name_fr\nE,Pelouses\nG,Forêts\n"))
    assert (report.created, report.updated) == (1, 1)
    assert codes("EUNIS2012") == ["E", "F", "G"]
    kept = HabitatType.objects.get(code="E")
    assert (kept.label_fr, kept.cd_hab) == ("Pelouses", 83)


def test_the_legend_of_the_region_survives_its_typology(tmp_path):
    entry = factories.LegendEntryFactory(habitat_type=factories.HabitatTypeFactory(code="E1.2", label_fr="Pelouse"))
    import_typology_file(write(tmp_path, "code,name_fr\nE1.2,Pelouses calcaires\n"))
    entry.refresh_from_db()
    assert entry.habitat_type.label_fr == "Pelouses calcaires"


def test_parents_are_found_by_habref_number_and_a_top_habitat_may_name_itself(tmp_path):
    file = write(tmp_path, "code,cd_hab,cd_hab_sup\nM,52284,52284\nMA1,52285,52284\n", "eunis_2022.csv")
    import_typology_file(file)
    assert HabitatType.objects.get(code="M").parent is None
    assert HabitatType.objects.get(code="MA1").parent.code == "M"


def test_habitats_without_a_code_of_their_own_are_named_by_number(tmp_path):
    text = "cd_hab,code,syntaxon_full,cd_hab_sup,validity\n1,,Alliance,,NR\n2,57-1,Old,1,SYN\n3,57-1,Good,1,NR\n"
    report = import_typology_file(write(tmp_path, text, "pvf2_syntaxa.csv"))
    assert sorted(codes("PVF2")) == ["57-1", "cd_hab:1", "cd_hab:2"]
    assert HabitatType.objects.get(code="57-1").label_fr == "Good"
    assert HabitatType.objects.get(code="cd_hab:2").parent.code == "cd_hab:1"
    assert report.named_by_cd_hab == 1
    assert "row 3" in report.notices[0]


def test_rows_of_another_edition_are_left_out_and_counted(tmp_path):
    text = "code,label_fr,version\nCS1,Sans,NG\nCS2,Avec,NG\nCS2.9,Ancien,v1.1\n"
    report = import_typology_file(write(tmp_path, text, "ocsge_cover.csv"))
    assert codes("OCSGE-CS") == ["CS1", "CS2"]
    assert report.skipped == {"other_edition": 1}


def test_a_number_that_is_a_text_is_left_empty_and_said(tmp_path):
    report = import_typology_file(write(tmp_path, "code,name_fr,cd_hab\nA,Laisses <em>Suaeda</em>, avec\n"))
    habitat = HabitatType.objects.get(code="A")
    assert (habitat.cd_hab, habitat.label_fr) == (None, "Laisses Suaeda")
    assert "row 2" in report.notices[0]


def test_a_typology_is_taken_from_one_side_of_a_crosswalk(tmp_path):
    text = "from_code,from_name,to_code,cd_hab_from\nX1,Un,A,7\nX1,Un,B,7\nX2,Deux,A,8\n"
    report = import_typology_file(write(tmp_path, text, "xwalk_euroveg_to_eunis2022.csv"), side="from")
    assert codes("EUROVEG") == ["X1", "X2"]
    assert report.skipped == {"same_habitat_again": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("level\n1\n", "no column for code"),
        ("code,name_fr\nA,a\nA,b\n", "row 3, code: A is already the code of row 2"),
        ("code,name_fr\n,a\n", "row 2, code: is empty"),
        ("code,parent\nA1,A\n", "row 2, parent: A is the code of no row"),
        ("code,parent\nA,B\nB,C\nC,A\n", "row 2, parent: A is among its own parents"),
        ("code,level\nA,high\n", "row 2, level: high is not a whole number"),
        (f"code,name_fr\n{'A' * 41},a\n", "row 2, code: is longer than 40 characters"),
        (f"code,name_fr\nA,{'a' * 501}\n", "row 2, name_fr: is longer than 500 characters"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_imported(tmp_path, text, words):
    with pytest.raises(TableError, match=words):
        import_typology_file(write(tmp_path, text))
    assert not HabitatType.objects.exists()
    assert not Typology.objects.exists()


def test_a_file_of_another_name_needs_its_typology(tmp_path):
    file = write(tmp_path, "code\nA\n", "list.csv")
    with pytest.raises(TableError, match="--typology"):
        import_typology_file(file)
    import_typology_file(file, facts={"code": "LOCAL", "name": "Liste locale", "edition": "3"})
    assert Typology.objects.get(code="LOCAL").version == "3"


def test_the_command_ends_with_a_json_report(tmp_path, capsys):
    call_command("import_typology", write(tmp_path, "code\nA\n"), "--edition", "essai")
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["typology"], report["created"]) == ("EUNIS2012", 1)
    assert Typology.objects.get().version == "essai"


def test_the_command_fails_with_the_sentence(tmp_path):
    with pytest.raises(CommandError, match="nowhere"):
        call_command("import_typology", tmp_path / "nowhere.csv")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "typology", "count", "tops"),
    [
        ("eunis.csv", "EUNIS2012", 5284, 11),
        ("eunis_2022.csv", "EUNIS2022", 5497, 9),
        ("corine_biotopes.csv", "CORINE", 2594, 7),
        ("hic_annex1.csv", "HIC", 273, 227),
        ("cahiers_habitats.csv", "CAHIERS", 765, 765),
        ("pvf2_syntaxa.csv", "PVF2", 2382, 46),
        ("ocsge_cover.csv", "OCSGE-CS", 23, 2),
        ("ocsge_use.csv", "OCSGE-US", 24, 7),
    ],
)
def test_real_typologies_import_whole(name, typology, count, tops):
    report = import_typology_file(shared_path(f"reference/{name}"))
    assert (report.typology, report.created, report.without_parent) == (typology, count, tops)
    assert import_typology_file(shared_path(f"reference/{name}")).updated == count
    assert HabitatType.objects.filter(typology__code=typology).count() == count
