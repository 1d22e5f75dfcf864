import stat
import zipfile

import pytest

from bioccia.tables import TableError
from species.importers import archives
from species.importers.archives import OCCURRENCE, TAXON, data_files, opened_archive, read_data_file
from tests.species.archive_files import data_file, meta, rows, write_archive

ALIASES = {"name": ("scientificName",), "latitude": ("decimalLatitude",)}
CORE = data_file("core", "Occurrence", "occurrences.txt", ["occurrenceID", "scientificName", "decimalLatitude"])
ROWS = rows(["o1", "Thymus vulgaris", "43.6"], ["o2", "Chara aspera", "43.7"])


def read(path):
    with opened_archive(path) as reader:
        return read_data_file(path, data_files(reader, OCCURRENCE)[0], ALIASES)


def test_the_meta_file_says_what_the_columns_are(tmp_path):
    table, identifiers = read(write_archive(tmp_path, {"meta.xml": meta(CORE), "occurrences.txt": ROWS}))
    assert table.columns == {"name": ["Thymus vulgaris", "Chara aspera"], "latitude": ["43.6", "43.7"]}
    assert identifiers == ["o1", "o2"]


def test_an_archive_may_stand_in_a_folder_beside_what_a_mac_leaves(tmp_path):
    files = {"set/meta.xml": meta(CORE), "set/occurrences.txt": ROWS, "__MACOSX/set/._meta.xml": "junk"}
    assert read(write_archive(tmp_path, files))[1] == ["o1", "o2"]


def test_the_kinds_of_rows_are_told_apart(tmp_path):
    path = write_archive(tmp_path, {"meta.xml": meta(CORE), "occurrences.txt": ROWS})
    with opened_archive(path) as reader:
        assert data_files(reader, TAXON) == []


@pytest.mark.parametrize("entry", ["../outside.txt", "/outside.txt", "a/../../outside.txt", "..\\outside.txt", "C:out"])
def test_a_path_out_of_the_archive_is_refused(tmp_path, entry):
    path = write_archive(tmp_path, {"meta.xml": meta(CORE), "occurrences.txt": ROWS, entry: "trick"})
    with pytest.raises(TableError, match="leads outside"):
        read(path)
    assert not (tmp_path.parent / "outside.txt").exists()


def test_a_link_in_an_archive_is_refused(tmp_path):
    path = write_archive(tmp_path, {"meta.xml": meta(CORE)})
    link = zipfile.ZipInfo("occurrences.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/hostname")
    with pytest.raises(TableError, match="leads outside"):
        read(path)


def test_a_meta_file_may_not_name_a_file_outside(tmp_path):
    (tmp_path / "secret.txt").write_text(ROWS)
    core = data_file("core", "Occurrence", "../../../../../../../../etc/hostname", ["occurrenceID"])
    with pytest.raises(TableError, match="not in the archive"):
        read(write_archive(tmp_path, {"meta.xml": meta(core)}))


def test_a_zip_bomb_stops_at_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 100_000)
    path = write_archive(tmp_path, {"meta.xml": meta(CORE), "occurrences.txt": "0" * 3_000_000})
    assert path.stat().st_size < 100_000
    with pytest.raises(TableError, match="unpacks to more"):
        read(path)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    files = {"meta.xml": meta(CORE), "occurrences.txt": ROWS, **{f"{number}.txt": "" for number in range(5)}}
    with pytest.raises(TableError, match="unpacks to more"):
        read(write_archive(tmp_path, files))


def test_entities_in_the_meta_file_are_refused(tmp_path):
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]>' + meta(CORE)
    with pytest.raises(TableError, match="entities"):
        read(write_archive(tmp_path, {"meta.xml": bomb, "occurrences.txt": ROWS}))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"occurrences.txt": ROWS}, "without meta.xml"),
        ({"meta.xml": "<archive"}, "cannot be followed"),
        ({"meta.xml": "<archive/>"}, "cannot be followed"),
        ({"meta.xml": meta(CORE).replace("UTF-8", "KLINGON"), "occurrences.txt": ROWS}, "cannot be followed"),
        ({"meta.xml": meta(CORE)}, "occurrences.txt, which is not in the archive"),
        ({"meta.xml": meta(CORE), "occurrences.txt": rows(["o1"])}, "row 2 .*fewer values"),
        ({"meta.xml": meta(CORE), "occurrences.txt": "header\no1\tFor\xeat\t43\n".encode("cp1252")}, "row 2 .*UTF-8"),
    ],
)
def test_a_broken_archive_is_refused_with_a_sentence(tmp_path, files, words):
    with pytest.raises(TableError, match=words):
        read(write_archive(tmp_path, files))


def test_a_damaged_zip_is_refused(tmp_path):
    path = tmp_path / "cut.zip"
    whole = write_archive(tmp_path, {"meta.xml": meta(CORE), "occurrences.txt": ROWS}).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="damaged"):
        read(path)
