import datetime
import json

import pytest
from django.core.management import CommandError, call_command

from bioccia.errors import StateForbidsError
from bioccia.tables import TableError
from species.importers import import_observation_file
from species.importers.observations import DatasetFacts
from species.models import Observation, ObservationDataset, Taxon
from species.states import Precision
from tests import factories
from tests.factories.species import TaxonFactory
from tests.ml.compute.rasters import shared_path
from tests.species.archive_files import data_file, meta, rows, write_archive

pytestmark = pytest.mark.django_db
HEADER = (
    "occurrenceID,scientificName,taxonID,eventDate,decimalLatitude,decimalLongitude,"
    "coordinateUncertaintyInMeters,recordedBy,individualCount\n"
)
PRECISE = DatasetFacts(diffusion="precise")


@pytest.fixture
def region():
    """Two communes of one department, side by side in the region's lower left corner."""
    factories.RegionFactory()
    department = factories.TerritoryFactory(department=True, outline=factories.square(side=0.04))
    left = factories.TerritoryFactory(code="99001", name="Gauche", parent=department)
    right = factories.TerritoryFactory(code="99002", name="Droite", parent=department, outline=factories.square(1))
    return left, right


def write(folder, text, name="flora.csv", encoding="utf-8"):
    file = folder / name
    file.write_text(text, encoding=encoding)
    return file


def row(number="o1", name="Thymus vulgaris L.", latitude="43.61", longitude="2.31", *, date="2024-05-02", rest=",,"):
    return f"{number},{name},SIM-001,{date},{latitude},{longitude},{rest}\n"


def bring_in(file, dataset="essai", facts=PRECISE, **options):
    return import_observation_file(file, dataset_name=dataset, at=factories.AN_INSTANT, facts=facts, **options)


def test_observations_are_read_placed_and_kept_as_cited(tmp_path, region):
    file = write(tmp_path, HEADER + row(rest="25,A. Dupont,3") + row("o2", longitude="2.33"))
    report = bring_in(file)
    first, second = Observation.objects.order_by("source_id")
    assert (report.rows, report.imported, report.created, report.skipped) == (2, 2, 2, {})
    assert (first.commune, second.commune) == region
    assert (first.cited_name, first.taxon.scientific_name) == ("Thymus vulgaris L.", "Thymus vulgaris")
    assert (first.uncertainty_m, first.observers, first.count) == (25.0, "A. Dupont", 3)
    assert (first.observed_from, first.observed_to) == (datetime.date(2024, 5, 2), datetime.date(2024, 5, 2))
    assert (first.geometry.x, first.geometry.y) == (2.31, 43.61)
    assert first.shown_geometry.equals_exact(first.geometry, 1e-9)
    dataset = ObservationDataset.objects.get()
    assert (dataset.name, dataset.file_name, len(dataset.file_sha256)) == ("essai", "flora.csv", 64)


def test_importing_again_changes_nothing(tmp_path, region):
    file = write(tmp_path, HEADER + row() + row("o2"))
    bring_in(file)
    before = list(Observation.objects.values())
    report = bring_in(file)
    assert (report.created, report.updated) == (0, 2)
    assert list(Observation.objects.values()) == before
    assert Taxon.objects.count() == 1


def test_rows_out_of_the_region_without_position_or_absent_are_counted(tmp_path, region):
    text = HEADER + row() + row("o2", latitude="48") + row("o3", latitude="") + row("o4", rest=",,0")
    report = bring_in(write(tmp_path, text))
    assert (report.rows, report.imported) == (4, 1)
    assert report.skipped == {"outside_region": 1, "no_position": 1, "absence": 1}
    assert report.skipped_rows == {"outside_region": [3], "no_position": [4], "absence": [5]}


def test_an_observation_that_its_file_withdraws_is_removed(tmp_path, region):
    bring_in(write(tmp_path, HEADER + row() + row("o2")))
    report = bring_in(write(tmp_path, HEADER + row() + row("o2", rest=",,0")))
    assert report.removed == 1
    assert list(Observation.objects.values_list("source_id", flat=True)) == ["o1"]


def test_the_communes_and_the_cell_of_a_sensitive_place_stand_for_it(tmp_path, region):
    text = "id,nom_cite,cd_nom,date,lat,lon,sensibilite\n" + "".join(
        f"o{level},Exempla rara,,2024,43.61,2.31,{level}\n" for level in range(5)
    )
    bring_in(write(tmp_path, text))
    shown = dict(Observation.objects.values_list("source_id", "shown_precision"))
    assert shown == {"o0": 0, "o1": 1, "o2": 2, "o3": 3, "o4": 4}
    cell = Observation.objects.get(source_id="o2")
    assert cell.cell == "10kmL93E064N627"
    assert cell.shown_geometry.distance(cell.geometry) > 0.001
    assert Observation.objects.get(source_id="o4").shown_geometry is None


def test_a_dataset_is_shown_by_commune_unless_its_convention_says_more(tmp_path, region):
    file = write(tmp_path, HEADER + row())
    bring_in(file, facts=DatasetFacts())
    assert Observation.objects.get().shown_precision == Precision.COMMUNE
    bring_in(file, facts=PRECISE)
    assert Observation.objects.get().shown_precision == Precision.EXACT
    bring_in(file, facts=DatasetFacts())
    assert Observation.objects.get().shown_precision == Precision.EXACT


def test_a_stricter_convention_hides_what_the_new_file_does_not_place_again(tmp_path, region):
    bring_in(write(tmp_path, HEADER + row() + row("o2")))
    bring_in(write(tmp_path, HEADER + row()), facts=DatasetFacts(diffusion="standard"))
    assert dict(Observation.objects.values_list("source_id", "shown_precision")) == {"o1": 1, "o2": 4}


def test_the_level_said_for_a_file_is_the_least_one(tmp_path, region):
    text = "id,nom_cite,date,lat,lon,sensibilite\na,Exempla rara,2024,43.61,2.31,\nb,Exempla rara,2024,43.61,2.31,3\n"
    bring_in(write(tmp_path, text), facts=DatasetFacts(diffusion="precise", sensitivity=2))
    assert dict(Observation.objects.values_list("source_id", "sensitivity")) == {"a": 2, "b": 3}


def test_french_headers_decimal_commas_and_two_dates_are_read(tmp_path, region):
    text = (
        "identifiant;Nom cité;CD_NOM;date_debut;date_fin;Latitude;Longitude;observateur;effectif\n"
        "7;Thym;1;30/04/2024;02/05/2024;43,61;2,31;B. Martin;12\n"
    )
    TaxonFactory(source_id="1", scientific_name="Thymus vulgaris")
    bring_in(write(tmp_path, text))
    observation = Observation.objects.get()
    assert (observation.cited_name, observation.taxon.cd_nom) == ("Thym", 1)
    assert (observation.observed_from.day, observation.observed_to.day) == (30, 2)
    assert (observation.geometry.y, observation.count) == (43.61, 12)


def test_gbif_headers_in_tabs_are_read(tmp_path, region):
    text = (
        "gbifID\tspecies\tverbatimScientificName\tdecimalLatitude\tdecimalLongitude\tyear\tmonth\tday\toccurrenceStatus\n"
        '1\tThymus vulgaris\tThymus "vulgaris" L.\t43.61\t2.31\t2024\t5\t\tPRESENT\n'
        "2\tThymus vulgaris\t\t43.61\t2.31\t2024\t5\t1\tABSENT\n"
    )
    report = bring_in(write(tmp_path, text, "gbif.tsv"))
    observation = Observation.objects.get()
    assert (observation.cited_name, observation.observed_to) == ('Thymus "vulgaris" L.', datetime.date(2024, 5, 31))
    assert report.skipped == {"absence": 1}


def test_a_taxon_is_found_by_number_then_by_name_and_a_foreign_number_does_not_mislead(tmp_path, region):
    thyme = TaxonFactory(source_id="1", scientific_name="Thymus vulgaris")
    TaxonFactory(source_id="500", scientific_name="Chara aspera")
    text = (
        "id,taxonID,cd_nom,scientificName,lat,lon\n"
        "a,,1,whatever,43.61,2.31\nb,500,,Thymus vulgaris L.,43.61,2.31\n"
        "c,500,,Chara aspera Willd.,43.61,2.31\nd,500,,Isoetes duriei,43.61,2.31\n"
    )
    report = bring_in(write(tmp_path, text))
    names = dict(Observation.objects.values_list("source_id", "taxon__scientific_name"))
    assert names == {"a": thyme.scientific_name, "b": "Thymus vulgaris", "c": "Chara aspera", "d": "Isoetes duriei"}
    assert (report.taxa, report.taxa_only_cited) == (3, 1)
    assert Taxon.objects.get(scientific_name="Isoetes duriei").source == "cited"


def test_rows_without_numbers_are_known_by_what_they_say(tmp_path, region):
    text = "espece,lat,lon\nThymus vulgaris,43.61,2.31\nThymus vulgaris,43.61,2.31\n"
    assert bring_in(write(tmp_path, text)).created == 2
    assert bring_in(write(tmp_path, text)).updated == 2


def test_numbers_that_a_spreadsheet_took_for_measures_are_mended(tmp_path, region):
    bring_in(
        write(tmp_path, "ID,latitude,longitude\n858029749.0,43.61,2.31\n"),
        facts=DatasetFacts(taxon="Lacerta bilineata"),
    )
    observation = Observation.objects.get()
    assert (observation.source_id, observation.taxon.scientific_name) == ("858029749", "Lacerta bilineata")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (row(latitude="2.31", longitude="43.61"), "row 2, decimalLatitude: latitude and longitude look swapped"),
        (row(latitude="143.61"), "row 2, decimalLatitude: 143.61 is out of range"),
        (row(longitude="-200"), "row 2, decimalLongitude: -200 is out of range"),
        (row(latitude="43°36"), "row 2, decimalLatitude: 43°36 is not a number"),
        (row(date="spring"), "row 2, eventDate: spring is not a date"),
        (row(date="2024-06-02"), "row 2, eventDate: .*is in the future"),
        (row(name="", number="o1").replace("SIM-001", ""), "row 2, scientificName: is empty"),
        (row(number=""), "row 2, occurrenceID: is empty"),
        (row() + row(), "row 3, occurrenceID: o1 is already the number of row 2"),
        (row(rest="-5,,"), "row 2, coordinateUncertaintyInMeters: -5 is below zero"),
        (row(rest=",,many"), "row 2, individualCount: many is not a number"),
        (row(number="o" * 301), "row 2, occurrenceID: is longer than 300"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_imported(tmp_path, region, line, words):
    with pytest.raises(TableError, match=words):
        bring_in(write(tmp_path, HEADER + line + row("o9")))
    assert not Observation.objects.exists()
    assert not ObservationDataset.objects.exists()
    assert not Taxon.objects.exists()


def test_a_wrong_level_or_datum_is_named(tmp_path, region):
    text = (
        "id,nom_cite,lat,lon,sensibilite,geodeticDatum\na,Exempla rara,43.61,2.31,5,\nb,Exempla rara,43.61,2.31,,NTF\n"
    )
    with pytest.raises(TableError) as refusal:
        bring_in(write(tmp_path, text))
    assert "row 2, sensibilite: 5 is no level of sensitivity" in str(refusal.value)
    assert "row 3, geodeticDatum: NTF is not WGS 84" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,scientificName,lat\na,A a,43\n", "no column for longitude"),
        ("id,lat,lon\na,43,2\n", "--taxon"),
    ],
)
def test_a_missing_column_is_named(tmp_path, region, text, words):
    with pytest.raises(TableError, match=words):
        bring_in(write(tmp_path, text))


def test_without_a_region_nothing_can_be_placed(tmp_path):
    with pytest.raises(StateForbidsError, match="import_region"):
        bring_in(write(tmp_path, HEADER + row()))


OCCURRENCE_TERMS = ["occurrenceID", "taxonID", "decimalLatitude", "decimalLongitude", "eventDate"]


def test_an_archive_whose_core_is_the_occurrence(tmp_path, region):
    core = data_file("core", "Occurrence", "o.txt", ["occurrenceID", "scientificName", *OCCURRENCE_TERMS[2:]])
    lines = rows(["o1", "Chara aspera", "43.61", "2.31", "2024-05"])
    bring_in(write_archive(tmp_path, {"meta.xml": meta(core), "o.txt": lines}))
    assert Observation.objects.get().taxon.scientific_name == "Chara aspera"


def test_an_archive_whose_occurrences_extend_taxa(tmp_path, region):
    files = {
        "meta.xml": meta(
            data_file("core", "Taxon", "taxa.txt", ["taxonID", "scientificName", "family"]),
            data_file("extension", "Occurrence", "o.txt", OCCURRENCE_TERMS, key_index=1),
        ),
        "taxa.txt": rows(["t1", "Draposa lyrivulva", "Lycosidae"], ["t2", "Draposa oakleyi", ""]),
        "o.txt": rows(["o1", "t1", "43.61", "2.31", "1907-05"], ["o2", "t2", "", "", ""]),
    }
    report = bring_in(write_archive(tmp_path, files))
    observation = Observation.objects.get()
    assert (observation.cited_name, observation.taxon.family) == ("Draposa lyrivulva", "Lycosidae")
    assert report.skipped == {"no_position": 1}


def test_an_archive_without_occurrence_says_where_to_go(tmp_path, region):
    core = data_file("core", "Taxon", "taxa.txt", ["taxonID", "scientificName"])
    path = write_archive(tmp_path, {"meta.xml": meta(core), "taxa.txt": rows(["t1", "A a"])})
    with pytest.raises(CommandError, match=r"without any occurrence.*import_taxa"):
        call_command("import_observations", path, "--dataset", "essai")


def test_the_command_ends_with_a_json_report(tmp_path, region, capsys):
    file = write(tmp_path, HEADER + row() + row("o2", latitude="48"))
    call_command("import_observations", file, "--dataset", "essai", "--owner", "CBN", "--licence", "LO 2.0")
    out, err = capsys.readouterr()
    report = json.loads(out.splitlines()[-1])
    assert (report["imported"], report["skipped"]) == (1, {"outside_region": 1})
    assert "outside_region: 1 rows left out, the first ones: [3]" in err
    assert ObservationDataset.objects.get().owner == "CBN"


def wide_region(west, south, east, north):
    outline = factories.square()
    outline = type(outline).from_bbox((west, south, east, north))
    outline.srid = 4326
    return factories.RegionFactory(epsg=3035, footprint=factories.as_multi(outline))


@pytest.mark.shared
def test_the_real_archive_of_spiders_imports_where_it_is_placed():
    wide_region(60, 0, 150, 50)
    report = bring_in(shared_path("data/observations/plazi.zip"))
    assert (report.rows, report.imported, report.skipped) == (47, 39, {"no_position": 8})
    assert Observation.objects.filter(taxon__scientific_name__startswith="Draposa").count() == 39
    assert bring_in(shared_path("data/observations/plazi.zip")).updated == 39


@pytest.mark.shared
def test_the_real_table_of_a_lizard_imports_with_its_taxon_said():
    wide_region(-10, 36, 4, 44)
    report = bring_in(
        shared_path("data/climate_iberia/lacerta_schreiberi_gbif.csv"), facts=DatasetFacts(taxon="Lacerta schreiberi")
    )
    assert (report.imported, report.skipped, report.without_date) == (1268, {}, 1268)


@pytest.mark.shared
def test_the_real_archive_of_whales_has_no_observation(region):
    with pytest.raises(TableError, match="without any occurrence"):
        bring_in(shared_path("data/observations/archive-tax.zip"))
