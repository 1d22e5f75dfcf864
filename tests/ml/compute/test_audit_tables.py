import pytest

from ml.compute.audit_tables import areas_from_points, read_areas, read_confusion, read_points
from ml.compute.errors import AuditError


def write(tmp_path, text):
    path = tmp_path / "audit.csv"
    path.write_text(text, encoding="utf-8")
    return path


def areas_of(path):
    return areas_from_points(read_points(path), path)


def test_points_are_read_with_any_usual_separator(tmp_path):
    path = write(tmp_path, "\ufeffstratum;map;reference;weight\n1;E1.2;F3.1;120\n1;E1.2;E1.2;120\n")
    points = read_points(path)
    assert points["reference"].tolist() == ["F3.1", "E1.2"]
    assert areas_of(path) == {"1": 240}


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("weight", (10, 10, 30), {"a": 20, "b": 30}),
        ("weight", (0.4, 0.4, 0.6), {"a": 0.4, "b": 0.6}),
        ("stratum_area", (800, 800, 90), {"a": 800, "b": 90}),
    ],
)
def test_strata_areas_come_from_weights_shares_or_whole_areas(tmp_path, column, values, expected):
    rows = "".join(f"{stratum},E1,E1,{value}\n" for stratum, value in zip("aab", values, strict=True))
    assert areas_of(write(tmp_path, f"stratum,map,reference,{column}\n{rows}")) == pytest.approx(expected)


def test_a_confusion_matrix_becomes_points_by_map_class(tmp_path):
    path = write(tmp_path, "map,E1,F3\nE1,8,1\nF3,0,6\n")
    points = read_confusion(path)
    assert points["points"].sum() == 15
    row = points[(points["map"] == "E1") & (points["reference"] == "F3")].iloc[0]
    assert (row["stratum"], row["points"]) == ("E1", 1)


def test_areas_are_read_by_class(tmp_path):
    assert read_areas(write(tmp_path, "class,area_ha\nstable forest,3200\nF3,15.5\n")) == {
        "stable forest": 3200,
        "F3": 15.5,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stratum,map\n1,E1\n", r"audit.csv: no column 'reference' \(it has: stratum, map\)"),
        ("stratum,map,reference,weight\n1,E1,E1,2\n1,,E1,2\n", "audit.csv: row 2 has no 'map'"),
        ("stratum,map,reference,weight\n", "audit.csv: the table has no point"),
        ("stratum,map,reference\n1,E1,E1\n", "no column 'stratum_area' nor 'weight'.*--areas"),
        ("stratum,map,reference,weight\n1,E1,E1,-4\n", "row 1, 'weight': '-4' is not a number above 0"),
        ("stratum,map,reference,weight\n1,E1,E1,4\n1,E1,E1,5\n", "'weight' differs .* stratum '1'"),
    ],
)
def test_points_that_cannot_be_used_are_refused(tmp_path, text, message):
    with pytest.raises(AuditError, match=message):
        areas_of(write(tmp_path, text))


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_areas, "class,area,unit\nE1,3,ha\n", "3 column"),
        (read_areas, "class,area\nE1,3\nE1,4\n", "row 2 names 'E1' again"),
        (read_areas, "class,area\nE1,many\n", "row 1, 'area': 'many' is not a number above 0"),
        (read_confusion, "map,E1\nE1,2.5\n", "row 1, column 'E1': '2.5' is not a number of points"),
        (read_confusion, "map\nE1\n", "no column of counts"),
        (read_confusion, "", "not readable as a UTF-8 table"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(tmp_path, read, text, message):
    with pytest.raises(AuditError, match=message):
        read(write(tmp_path, text))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(AuditError, match=r"nowhere.csv: the file is missing"):
        read_areas(tmp_path / "nowhere.csv")
