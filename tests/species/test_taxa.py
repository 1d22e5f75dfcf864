import json

import pytest
from django.core.management import CommandError, call_command

from bioccia.tables import TableError
from species.importers import import_taxon_file
from species.models import Taxon
from tests.factories.species import ObservationFactory, TaxonFactory
from tests.ml.compute.rasters import shared_path
from tests.species.archive_files import VERNACULAR, data_file, meta, rows, write_archive

pytestmark = pytest.mark.django_db
TAXREF = (
    "CD_NOM;CD_REF;LB_NOM;LB_AUTEUR;NOM_VERN;NOM_VERN_ENG;RANG;FAMILLE;GROUP2_INPN\n"
    "1;1;Thymus vulgaris;L., 1753;Thym commun;Garden thyme;ES;Lamiaceae;Angiospermes\n"
    "2;1;Thymus aestivus;Reut. ex Willk.;;;ES;Lamiaceae;Angiospermes\n"
)


def write(folder, text, name="taxref.csv"):
    file = folder / name
    file.write_text(text)
    return file


def test_a_list_like_taxref_is_read(tmp_path):
    report = import_taxon_file(write(tmp_path, TAXREF))
    thyme, synonym = Taxon.objects.get(source_id="1"), Taxon.objects.get(source_id="2")
    assert (report.source, report.created, report.synonyms) == ("TAXREF", 2, 1)
    assert (thyme.cd_nom, thyme.vernacular_fr, thyme.rank, thyme.accepted) == (1, "Thym commun", "species", None)
    assert synonym.accepted == thyme
    assert str(thyme) == "Thymus vulgaris L., 1753"


def test_importing_again_updates(tmp_path):
    import_taxon_file(write(tmp_path, TAXREF))
    report = import_taxon_file(write(tmp_path, TAXREF.replace("2;1;Thymus", "2;2;Thymus")))
    assert (report.created, report.updated, report.synonyms) == (0, 2, 0)


def test_a_list_with_fewer_columns_keeps_what_another_one_said(tmp_path):
    import_taxon_file(write(tmp_path, TAXREF))
    import_taxon_file(write(tmp_path, "CD_NOM,LB_NOM\n1,Thymus vulgaris subsp. vulgaris\n"))
    taxon = Taxon.objects.get(source_id="1")
    assert (taxon.scientific_name, taxon.family) == ("Thymus vulgaris subsp. vulgaris", "Lamiaceae")


def test_what_gbif_says_of_another_name_is_not_kept(tmp_path):
    text = (
        "lb_nom,CD_NOM,matchType,authorship,family\n"
        "Chara aspera,1,EXACT,Willd.,Characeae\nChara oryzae,2,HIGHERRANK,L.,Characeae\n"
    )
    import_taxon_file(write(tmp_path, text))
    assert list(Taxon.objects.order_by("source_id").values_list("authorship", "family")) == [
        ("Willd.", "Characeae"),
        ("", ""),
    ]


def test_a_chain_of_synonyms_leads_to_its_end_and_a_circle_nowhere(tmp_path):
    text = "taxonID,scientificName,acceptedNameUsageID\na,A a,b\nb,B b,c\nc,C c,\nd,D d,e\ne,E e,d\nf,F f,zz\n"
    report = import_taxon_file(write(tmp_path, text), source="essai")
    accepted = dict(Taxon.objects.values_list("source_id", "accepted__source_id"))
    assert accepted == {"a": "c", "b": "c", "c": None, "d": None, "e": None, "f": None}
    assert "1 name points to an accepted name that is not in the file" in report.notices[0]


def test_where_a_status_tells_synonyms_the_other_names_are_accepted(tmp_path):
    text = "taxonID,scientificName,acceptedNameUsageID,taxonomicStatus\n1,A a,2,\n2,B b,1,invalid\n"
    import_taxon_file(write(tmp_path, text), source="essai")
    assert dict(Taxon.objects.values_list("source_id", "accepted__source_id")) == {"1": None, "2": "1"}


def test_an_archive_of_taxa_gives_everyday_names_too(tmp_path):
    files = {
        "meta.xml": meta(
            data_file("core", "Taxon", "taxa.txt", ["taxonID", "scientificName", "taxonRank"]),
            data_file(
                "extension", VERNACULAR, "names.txt", ["taxonID", "vernacularName", "http://purl.org/dc/terms/language"]
            ),
        ),
        "taxa.txt": rows(["t1", "Delphinus delphis", "Species"], ["t2", "Cetacea", "Order"]),
        "names.txt": rows(["t1", "Dauphin", "French"], ["t1", "Dolphin", "en"], ["t1", "Afale", "Turkish"]),
    }
    report = import_taxon_file(write_archive(tmp_path, files, "whales.zip"))
    dolphin = Taxon.objects.get(source_id="t1")
    assert (report.source, report.created) == ("whales", 2)
    assert (dolphin.vernacular_fr, dolphin.vernacular_en, dolphin.cd_nom) == ("Dauphin", "Dolphin", None)


def test_cited_names_find_their_place_in_a_list_loaded_later(tmp_path):
    cited = TaxonFactory(cited=True, source_id="thymus vulgaris", scientific_name="Thymus vulgaris")
    unknown = TaxonFactory(cited=True, source_id="exempla ignota", scientific_name="Exempla ignota")
    observation = ObservationFactory(taxon=cited)
    ObservationFactory(taxon=unknown)
    report = import_taxon_file(write(tmp_path, TAXREF))
    observation.refresh_from_db()
    assert (observation.taxon.source, report.citations_replaced) == ("TAXREF", 1)
    assert list(Taxon.objects.only_cited()) == [unknown]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("LB_NOM\nA a\n", "no column for taxon_id.*cd_nom or taxonID"),
        ("CD_NOM\n1\n", "no column for scientific_name"),
        ("CD_NOM,LB_NOM\nabc,A a\n", "row 2, CD_NOM: abc is not a whole number"),
        ("CD_NOM,LB_NOM\n,A a\n", "row 2, CD_NOM: is empty"),
        ("CD_NOM,LB_NOM\n1,\n", "row 2, LB_NOM: is empty"),
        ("CD_NOM,LB_NOM\n1,A a\n1,B b\n", "row 3, CD_NOM: 1 is already the number of row 2"),
        (f"CD_NOM,LB_NOM,FAMILLE\n1,A a,{'f' * 121}\n", "row 2, FAMILLE: is longer"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_imported(tmp_path, text, words):
    with pytest.raises(TableError, match=words):
        import_taxon_file(write(tmp_path, text))
    assert not Taxon.objects.exists()


def test_an_archive_without_taxa_says_where_to_go(tmp_path):
    core = data_file("core", "Occurrence", "occurrences.txt", ["occurrenceID"])
    path = write_archive(tmp_path, {"meta.xml": meta(core), "occurrences.txt": rows(["o1"])})
    with pytest.raises(CommandError, match="import_observations"):
        call_command("import_taxa", path)


def test_the_command_ends_with_a_json_report(tmp_path, capsys):
    call_command("import_taxa", write(tmp_path, TAXREF), "--source", "TAXREF 17")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["source"] == "TAXREF 17"


@pytest.mark.shared
def test_real_lists_of_names_import_whole():
    whole = import_taxon_file(shared_path("data/observations/taxref17_flora_gbif_match.csv.gz"))
    names = import_taxon_file(shared_path("data/observations/taxref_flora_fr_cdnom_names.csv"))
    assert (whole.created, names.created, names.updated) == (24603, 4881, 17596)
    assert Taxon.objects.named_like("fontiquerianum").exists()


@pytest.mark.shared
def test_the_real_archive_of_whales_has_its_synonyms():
    report = import_taxon_file(shared_path("data/observations/archive-tax.zip"))
    assert (report.created, report.synonyms, report.notices) == (3248, 3082, [])
    assert Taxon.objects.get(scientific_name__startswith="Inia geoffrensis Blainville").vernacular_fr
