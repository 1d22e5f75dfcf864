import json

import geopandas as gpd
import pytest
import shapely
from django.core.management import CommandError, call_command

from bioccia.errors import NotAllowedError
from bioccia.tables import TableError
from habitats.importers import releve_files
from habitats.importers.releves import check_releve_file, import_releve_file
from habitats.models import Determination, HabitatType, Releve, ReleveDataset
from habitats.states import DatePrecision, ReleveState, Resolution
from territories.states import Role
from tests import factories
from tests.factories import AN_INSTANT
from tests.habitats.releve_files import HEADER, releve_rows, write_text, write_workbook
from tests.ml.compute.rasters import shared_path

pytestmark = pytest.mark.django_db


@pytest.fixture
def botanist():
    """Of a department of a region whose legend has two habitats."""
    factories.RegionFactory()
    for code in ("E1.2", "E1.3"):
        factories.HabitatTypeFactory(code=code, in_legend=True)
    department = factories.TerritoryFactory(department=True, outline=factories.square(side=0.04))
    person = factories.person_with(Role.BOTANIST, department)
    person.organisation = factories.OrganisationFactory()
    person.save()
    return person


def imported(path, botanist, **options):
    return import_releve_file(path, dataset_name="Campagne", by=botanist, at=AN_INSTANT, **options)


def checked(path, botanist, corrections=None):
    return check_releve_file(path, by=botanist, at=AN_INSTANT, corrections=corrections)


def wrong_of(path, botanist):
    return [(cell.row, cell.field) for cell in checked(path, botanist).wrong]


def test_a_csv_comes_in_as_submitted_and_twice_is_once(tmp_path, botanist):
    path = write_text(tmp_path / "r.csv", releve_rows({}, {"longitude": "2.306", "date": "2024-05-13"}))
    report = imported(path, botanist)
    assert (report.created, report.updated, report.unchanged) == (2, 0, 0)
    again = imported(path, botanist)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    releve = Releve.objects.get(external_id="1")
    assert (releve.state, releve.author, releve.observers) == (ReleveState.SUBMITTED, botanist, "A. Botaniste")
    assert (releve.observed_on.isoformat(), releve.geometry.coords) == ("2024-05-12", (2.305, 43.605))
    assert releve.comment == "pelouse sèche"
    assert releve.determinations.get().resolution == Resolution.EXACT


def test_a_dry_run_writes_nothing(tmp_path, botanist):
    path = write_text(tmp_path / "r.csv", releve_rows({}))
    assert imported(path, botanist, dry_run=True).releves == 1
    assert not Releve.objects.exists()
    assert not ReleveDataset.objects.exists()


def test_a_workbook_reads_as_a_csv_does_formulas_by_their_last_value(tmp_path, botanist):
    path = write_workbook(tmp_path / "r.xlsx", releve_rows({}, {"longitude": "2.306"}), formulas={(2, 5)})
    assert imported(path, botanist).created == 2
    assert set(Determination.objects.values_list("cited_code", flat=True)) == {"E1.2"}


def test_a_geopackage_in_lambert_93_keeps_its_polygons(tmp_path, botanist):
    places = [factories.square(side=0.001), factories.square(0, 0, side=0.002)]
    frame = gpd.GeoDataFrame(
        {"id_releve": [7, 8], "date": ["2024", "2024-06"], "habitat": ["E1.2", "e1.3"], "recouvrement": [80.5, None]},
        geometry=[shapely.from_wkb(bytes(place.wkb)) for place in places],
        crs=4326,
    ).to_crs(2154)
    frame.to_file(tmp_path / "r.gpkg", layer="releves")
    assert imported(tmp_path / "r.gpkg", botanist).created == 2
    first = Releve.objects.get(external_id="7")
    assert (first.geometry.geom_type, first.date_precision) == ("Polygon", DatePrecision.YEAR)
    assert first.geometry.equals_exact(places[0], 1e-6)
    assert first.determinations.get().cover_pct == 80.5
    assert Releve.objects.get(external_id="8").date_precision == DatePrecision.MONTH


def test_metres_with_and_without_their_epsg_code(tmp_path, botanist):
    point = factories.spot().transform(2154, clone=True)
    utm = factories.spot().transform(32631, clone=True)
    rows = [
        ["x", "y", "epsg", "habitat", "date"],
        [f"{point.x:.2f}".replace(".", ","), f"{point.y:.2f}", "", "E1.2", "1/5/2024"],
        [f"{utm.x:.2f}", f"{utm.y:.2f}", "EPSG:32631", "E1.2", "1.5.2024"],
    ]
    imported(write_text(tmp_path / "r.csv", rows, separator="\t"), botanist)
    assert all(releve.geometry.equals_exact(factories.spot(), 1e-6) for releve in Releve.objects.all())
    assert Releve.objects.count() == 2


def test_well_known_text_is_a_place_too(tmp_path, botanist):
    rows = [["wkt", "habitat"], ["SRID=4326;POINT (2.305 43.605)", "E1.2"], ["POINT Z (2.306 43.605 12)", "E1.3"]]
    assert imported(write_text(tmp_path / "r.csv", rows, separator="|"), botanist).created == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"date": "31/02/2024"}, "date"),
        ({"date": "2031-01-01"}, "date"),
        ({"date": ""}, "date"),
        ({"date": "2023/2024"}, "date"),
        ({"longitude": "NaN"}, "longitude"),
        ({"longitude": "inf"}, "longitude"),
        ({"longitude": "200"}, "longitude"),
        ({"latitude": "nord"}, "latitude"),
        ({"longitude": "43.605", "latitude": "2.305"}, "longitude"),
        ({"longitude": "7.0"}, "longitude"),
        ({"longitude": "2.345"}, "longitude"),
        ({"habitat": "E9.99"}, "habitat"),
        ({"habitat": ""}, "habitat"),
        ({"id_releve": ""}, "external_id"),
        ({"observateurs": "x" * 501}, "observers"),
    ],
)
def test_each_wrong_cell_is_named_and_nothing_is_saved(tmp_path, botanist, change, field):
    path = write_text(tmp_path / "r.csv", releve_rows({}, change))
    assert wrong_of(path, botanist) == [(3, field)]
    with pytest.raises(TableError, match=r"r\.csv"):
        imported(path, botanist)
    assert not Releve.objects.exists()


def test_a_cell_corrected_on_the_page_is_read_instead(tmp_path, botanist):
    path = write_text(tmp_path / "r.csv", releve_rows({"date": "hier"}, {"longitude": "7,0"}))
    assert len(checked(path, botanist).wrong) == 2
    mended = checked(path, botanist, {"2.date": "12/05/2024", "3.longitude": "2,306"})
    assert not mended.wrong
    assert [facts.geometry.x for facts in mended.facts] == [2.305, 2.306]


def test_an_unknown_code_is_answered_with_the_closest_one(tmp_path, botanist):
    (cell,) = checked(write_text(tmp_path / "r.csv", releve_rows({"habitat": "E1.2-9"})), botanist).wrong
    assert "E1.2 " in cell.message
    assert (cell.header, cell.value) == ("habitat", "E1.2-9")


@pytest.mark.parametrize("code", ["E1.29", "E1.2A", "E1.263"])
def test_levels_four_and_five_are_kept_as_cited_and_lie_within_their_row_of_the_legend(tmp_path, botanist, code):
    imported(write_text(tmp_path / "r.csv", releve_rows({"habitat": code})), botanist)
    kept = Releve.objects.get().determinations.get()
    assert (kept.cited_code, kept.resolution, kept.resolved_type.code) == (code, Resolution.EXACT, "E1.2")


def test_where_deeper_levels_were_loaded_a_code_that_is_not_among_them_is_a_mistake(tmp_path, botanist):
    parent = HabitatType.objects.get(code="E1.2")
    factories.HabitatTypeFactory(typology=parent.typology, code="E1.26", parent=parent)
    (cell,) = checked(write_text(tmp_path / "r.csv", releve_rows({"habitat": "E1.29"})), botanist).wrong
    assert cell.field == "habitat"


@pytest.mark.parametrize(
    ("wkt", "words"),
    [
        ("POLYGON ((2.30 43.60, 2.31 43.61, 2.31 43.60, 2.30 43.61, 2.30 43.60))", "Self-intersection"),
        ("POINT EMPTY", ""),
        ("LINESTRING (2.30 43.60, 2.31 43.61)", "LineString"),
        ("POINT (", ""),
        ("POLYGON ((2.30 43.60, 2.34 43.60, 2.34 43.64, 2.30 43.64, 2.30 43.60))", "100"),
    ],
)
def test_a_place_that_is_none_is_refused(tmp_path, botanist, wkt, words):
    path = write_text(tmp_path / "r.csv", [["wkt", "habitat"], [wkt, "E1.2"]])
    (cell,) = checked(path, botanist).wrong
    assert cell.field == "geometry"
    assert words in cell.message


def test_empty_and_invalid_geometries_of_a_geopackage_are_named(tmp_path, botanist):
    bowtie = shapely.Polygon([(2.30, 43.60), (2.301, 43.601), (2.301, 43.60), (2.30, 43.601)])
    shapes = [None, bowtie, shapely.Point(2.305, 43.605)]
    frame = gpd.GeoDataFrame({"habitat": ["E1.2"] * 3}, geometry=shapes, crs=4326)
    frame.to_file(tmp_path / "r.gpkg")
    wrong = checked(tmp_path / "r.gpkg", botanist).wrong
    assert [(cell.row, cell.field, cell.can_be_typed) for cell in wrong] == [
        (1, "geometry", False),
        (2, "geometry", False),
    ]


def test_rows_of_one_releve_are_its_habitats_and_species(tmp_path, botanist):
    rows = [
        ["id", "date", "lon", "lat", "habitat", "recouvrement", "taxon", "abondance_dominance"],
        ["A", "2024-05-12", "2.305", "43.605", "E1.2", "80 %", "Thymus vulgaris", "2b"],
        ["A", "2024-05-12", "2.305", "43.605", "E1.3", "20", "", ""],
        ["A", "2024-05-12", "2.305", "43.605", "", "", "Ophrys scolopax", "+"],
    ]
    assert imported(write_text(tmp_path / "r.csv", rows), botanist).created == 1
    releve = Releve.objects.get()
    assert [(one.cited_code, one.cover_pct) for one in releve.determinations.all()] == [("E1.2", 80), ("E1.3", 20)]
    assert {one.abundance for one in releve.species.all()} == {"2b", "+"}
    rows[2][1] = "2024-05-13"
    rows[3][7] = "9"
    assert wrong_of(write_text(tmp_path / "s.csv", rows), botanist) == [(3, "date"), (4, "abundance")]


def test_the_same_row_twice_under_one_number_is_named(tmp_path, botanist):
    path = write_text(tmp_path / "r.csv", releve_rows({}, {"id_releve": "1"}))
    assert wrong_of(path, botanist) == [(3, "external_id")]


def test_a_byte_order_mark_and_other_encodings_are_read(tmp_path, botanist):
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        path = write_text(
            tmp_path / f"{encoding}.csv", releve_rows({"commentaire": "relevé à l'ubac"}), encoding=encoding
        )
        found = checked(path, botanist)
        assert found.facts[0].comment == "relevé à l'ubac"
        assert bool(found.notices) is (encoding == "cp1252")


def test_a_formula_is_text_like_any_other(tmp_path, botanist):
    path = write_text(tmp_path / "r.csv", releve_rows({"commentaire": "=HYPERLINK(A1)"}))
    imported(path, botanist)
    assert Releve.objects.get().comment == "=HYPERLINK(A1)"


def bomb(path):
    return write_workbook(path, releve_rows({}), padding=releve_files.LARGEST_UNPACKED_BYTES)


def far_cell(path):
    return write_workbook(path, releve_rows({}), cell_name="XFD1048576")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "a.csv"),
        ("b.csv", ";".join(HEADER).encode() + b"\n", "b.csv"),
        ("c.csv", b"id;date;date;lon;lat;habitat\n1;2024;2024;2.3;43.6;E1.2\n", "date"),
        ("d.xls", b"\xd0\xcf\x11\xe0" + b"\x00" * 60, "XLSX"),
        ("e.csv", b"<?xml version='1.0'?><a/>", "XML"),
        ("f.csv", b"%PDF-1.7", "PDF"),
        ("g.gpkg", b"SQLite format 3\x00" + b"\x07" * 200, "g.gpkg"),
        ("h.xlsx", b"PK\x03\x04" + b"\x00" * 200, "h.xlsx"),
        ("i.dbf", b"\x03\x7a\x01\x01\x00\x00\x00\x00" * 9, "i.dbf"),
        ("j.csv", b"site,Mal,Cca,Svu\n1,1,0,1\n", "j.csv"),
        ("k.csv", b"id;habitat\n1;E1.2\n", "longitude"),
        ("l.csv", b"lon;lat\n2.3;43.6\n", "eunis_2022_code"),
    ],
)
def test_what_is_no_file_of_releves_is_refused_in_one_sentence(tmp_path, botanist, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError) as refusal:
        checked(tmp_path / name, botanist)
    assert words in str(refusal.value)
    assert name in str(refusal.value)


@pytest.mark.parametrize("make", [bomb, far_cell])
def test_a_workbook_that_would_fill_the_memory_is_refused_unread(tmp_path, botanist, make):
    path = make(tmp_path / "r.xlsx")
    assert path.stat().st_size < 200_000
    with pytest.raises(TableError):
        checked(path, botanist)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path, botanist):
    path = tmp_path / "r.csv"
    with path.open("wb") as stream:
        stream.truncate(500_000_000)
    with pytest.raises(TableError, match="500"):
        checked(path, botanist)


def test_too_many_rows_are_refused(tmp_path, botanist, monkeypatch):
    monkeypatch.setattr(releve_files, "MOST_ROWS", 2)
    with pytest.raises(TableError):
        checked(write_text(tmp_path / "r.csv", releve_rows({}, {}, {})), botanist)


def test_several_layers_ask_for_one_called_releves(tmp_path, botanist):
    frame = gpd.GeoDataFrame({"habitat": ["E1.2"]}, geometry=[shapely.Point(2.305, 43.605)], crs=4326)
    frame.to_file(tmp_path / "r.gpkg", layer="stations")
    frame.to_file(tmp_path / "r.gpkg", layer="autres")
    with pytest.raises(TableError, match="stations"):
        checked(tmp_path / "r.gpkg", botanist)
    frame.to_file(tmp_path / "r.gpkg", layer="Relevés 2024")
    assert len(checked(tmp_path / "r.gpkg", botanist).facts) == 1


def test_without_the_right_nothing_is_read(tmp_path, botanist):
    path = write_text(tmp_path / "r.csv", releve_rows({}))
    with pytest.raises(NotAllowedError):
        checked(path, factories.person_with(Role.REVIEWER))


def test_another_typology_is_kept_as_cited_and_said(tmp_path, botanist):
    path = write_text(tmp_path / "r.csv", [["lon", "lat", "eunis_2022_code"], ["2.305", "43.605", "T21"]])
    report = imported(path, botanist)
    determination = Determination.objects.get()
    assert (determination.cited_typology, determination.cited_code) == ("EUNIS2022", "T21")
    assert (determination.cited_type, determination.resolution) == (None, Resolution.UNRESOLVED)
    assert any("import_crosswalk" in notice for notice in report.notices)
    releve = Releve.objects.get()
    assert (releve.observed_on, releve.observers) == (None, "")
    rows = [["lon", "lat", "habitat", "typologie"], ["2.305", "43.605", "X1", "Inconnue"]]
    assert wrong_of(write_text(tmp_path / "s.csv", rows), botanist) == [(2, "typology")]


def test_the_command_answers_in_json_and_fails_with_a_sentence(tmp_path, botanist, capsys):
    path = write_text(tmp_path / "r.csv", releve_rows({}))
    options = {"dataset": "Campagne", "user": botanist.email}
    call_command("import_releves", path, dry_run=True, **options)
    assert not Releve.objects.exists()
    call_command("import_releves", path, **options)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["created"], answer["releves"], answer["dataset"]) == (1, 1, "Campagne")
    with pytest.raises(CommandError, match="nobody@example"):
        call_command("import_releves", path, dataset="Campagne", user="nobody@example.org")
    with pytest.raises(CommandError, match="r2"):
        call_command("import_releves", write_text(tmp_path / "r2.csv", releve_rows({"habitat": "?"})), **options)


@pytest.fixture
def occitanie():
    """A botanist of a region as wide as Occitanie."""
    wide = factories.square(-150, -80, side=6)
    factories.RegionFactory(footprint=factories.as_multi(wide))
    factories.HabitatTypeFactory(code="E1.2", in_legend=True)
    return factories.person_with(Role.BOTANIST, factories.TerritoryFactory(region=True, outline=wide))


@pytest.mark.shared
def test_real_plots_come_in_undated_and_unresolved(occitanie):
    report = imported(shared_path("data/releves/eva_plots_eunis3_occitanie.gpkg"), occitanie)
    assert (report.rows, report.created) == (521, 521)
    assert not Releve.objects.exclude(observed_on=None, observers="").exists()
    assert len(report.notices) == 3
    assert not Determination.objects.exclude(cited_typology="EUNIS2022").exists()


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "ade4_tarentaise_ecol.csv",
        "ade4_tarentaise_envir.csv",
        "ade4_mafragh_xy.csv",
        "medreg_catalonia_postfire.csv",
        "dune.csv",
        "dune.env.csv",
        "turboveg_elbaue.xml",
        "turboveg_elbaue_tvabund.dbf",
    ],
)
def test_real_tables_of_another_kind_are_refused(occitanie, name):
    with pytest.raises(TableError, match=name.split(".")[0]):
        imported(shared_path(f"data/releves/{name}"), occitanie)
