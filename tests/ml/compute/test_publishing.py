"""Files of a release: the same map gives the same bytes; what is wrong is named."""

import json
import subprocess
import time

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from ml.compute import lineage
from ml.compute.__main__ import main
from ml.compute.errors import RasterError
from ml.compute.publishing import changes, manifest, polygons, verify
from ml.compute.publishing.manifest import ReleaseFileError
from tests.ml.compute.rasters import TEN_METRES, write_class_map
from tests.ml.compute.tiny_releases import CODES, map_frame, quarters, sign, write_tiny_release

NOTHING = changes.Corrected(outlines=np.zeros(0, object), same_model=False)


@pytest.fixture
def release(tmp_path):
    return write_tiny_release(tmp_path / "2024.0")


def test_the_same_map_written_twice_at_two_moments_has_the_same_bytes(tmp_path):
    first = write_tiny_release(tmp_path / "one" / "2024.0")
    time.sleep(1.1)  # GeoPackages are dated to the second
    second = write_tiny_release(tmp_path / "two" / "2024.0")
    assert manifest.read_manifest(first) == manifest.read_manifest(second)


def test_a_release_is_verified_by_its_folder_alone(release):
    found = verify.verify_folder(release)
    assert found["release"] == "2024.0"
    assert found["polygons"] == 4
    assert found["content_sha256"] == manifest.content_hash(manifest.read_manifest(release))


def test_the_manifest_is_what_sha256sum_reads(release):
    subprocess.run(
        ["sha256sum", "--check", "--strict", manifest.MANIFEST], cwd=release, check=True, capture_output=True
    )


def test_the_hash_of_the_content_does_not_know_what_was_measured(release):
    before = manifest.content_hash(manifest.read_manifest(release))
    (release / verify.CARD).write_text("another energy")
    sign(release)
    assert manifest.content_hash(manifest.read_manifest(release)) == before
    (release / verify.TILES).write_bytes(b"another map")
    sign(release)
    assert manifest.content_hash(manifest.read_manifest(release)) != before


@pytest.mark.parametrize("name", verify.FILES)
def test_an_altered_a_missing_and_an_added_file_are_named(release, name):
    (release / name).write_bytes((release / name).read_bytes() + b" ")
    with pytest.raises(ReleaseFileError, match=f"{name}: altered"):
        verify.verify_folder(release)
    (release / name).rename(release / "copy")
    with pytest.raises(ReleaseFileError, match=rf"{name}: missing.*copy: not part"):
        verify.verify_folder(release)


def test_a_manifest_that_forgets_a_file_is_named(release):
    hashes = manifest.read_manifest(release)
    del hashes[verify.CHANGES]
    (release / verify.CHANGES).unlink()
    manifest.write_manifest(release, hashes)
    with pytest.raises(ReleaseFileError, match=r"changes\.gpkg is not listed"):
        verify.verify_folder(release)


@pytest.mark.parametrize("line", ["../../etc/passwd", "not a line", ""])
def test_a_line_that_is_none_of_a_manifest_is_named(release, line):
    (release / manifest.MANIFEST).write_text(f"{'0' * 64}  {line}\n")
    with pytest.raises(ReleaseFileError, match="line 1"):
        verify.verify_folder(release)


def test_polygons_changed_under_a_manifest_made_anew_do_not_agree_with_the_rest(release):
    frame = pyogrio.read_dataframe(release / verify.POLYGONS, layer=polygons.HABITATS_LAYER)
    frame.loc[0, "code"] = "J1.1"
    pyogrio.write_dataframe(frame, release / verify.POLYGONS, layer=polygons.HABITATS_LAYER)
    sign(release)
    with pytest.raises(ReleaseFileError, match=r"habitats\.gpkg: the area of E1\.2"):
        verify.verify_folder(release)


def test_cells_changed_under_a_manifest_made_anew_do_not_agree_with_the_rest(release):
    with rasterio.open(release / verify.CLASSES) as source:
        values, profile, tags = source.read(), source.profile, source.tags()
    values[0, 0, 0] = 4
    profile.update(driver="GTiff")
    with rasterio.open(release / verify.CLASSES, "w", **profile) as target:
        target.write(values)
        target.update_tags(**tags)
    sign(release)
    with pytest.raises(ReleaseFileError, match=r"classes\.tif: cells by habitat"):
        verify.verify_folder(release)


def test_a_gap_between_polygons_is_named(release):
    frame = pyogrio.read_dataframe(release / verify.POLYGONS, layer=polygons.HABITATS_LAYER)
    frame.geometry = [*frame.geometry[:-1], shapely.segmentize(frame.geometry.iloc[-1], 50)]
    pyogrio.write_dataframe(frame, release / verify.POLYGONS, layer=polygons.HABITATS_LAYER)
    sign(release)
    with pytest.raises(ReleaseFileError, match=r"leaves a gap"):
        verify.verify_folder(release)


@pytest.mark.parametrize("numbers", [[1, 2, 3], [1, 2, 3, 9]])
def test_a_lineage_of_other_polygons_is_named(release, numbers):
    table = lineage.no_lineage().reindex(range(len(numbers))).assign(to_polygon=numbers, relation="same")
    pyogrio.write_dataframe(table[["to_polygon", "relation"]], release / verify.CHANGES, layer=lineage.LINEAGE_TABLE)
    sign(release)
    with pytest.raises(ReleaseFileError, match=r"changes\.gpkg: the lineage"):
        verify.verify_folder(release)


def test_a_file_that_cannot_be_read_is_named(release):
    (release / verify.POLYGONS).write_text("nothing of the kind")
    sign(release)
    with pytest.raises(ReleaseFileError, match=r"habitats\.gpkg: unreadable"):
        verify.verify_folder(release)


def test_the_engine_verifies_from_a_shell(release, capsys):
    assert main(["verify", str(release)]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
    (release / verify.CARD).unlink()
    assert main(["verify", str(release)]) == 2
    assert "model_card.html: missing" in capsys.readouterr().err
    assert main(["verify", str(release / "elsewhere")]) == 2


def test_rasters_carry_the_codes_and_the_colours_of_the_legend(release):
    with rasterio.open(release / verify.CLASSES) as source:
        assert json.loads(source.tags()["CLASSES"]) == {str(value): code for value, code in CODES.items()}
        assert source.colormap(1)[2] == (0x7F, 0xB0, 0x69, 255)
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_changes_say_from_what_to_what_and_why(tmp_path):
    later = quarters()
    later[0:10, 0:10] = 2  # all on corrected ground
    later[30:40, 30:40] = 1  # half of it
    later[0:4, 30:40] = 3  # none of it
    later[20, 0] = 1  # one cell, no correction: noise
    later[39, 0] = 1  # one cell, corrected
    before = write_class_map(tmp_path / "before.tif", quarters(), codes=CODES)
    after = write_class_map(tmp_path / "after.tif", later, codes=CODES)
    corrected = np.array([cells(0, 10, 0, 10), cells(30, 40, 30, 35), cells(39, 40, 0, 1)])
    found = changes.changed_patches(before, after, corrected=changes.Corrected(corrected, same_model=False), mmu_px=4)
    assert found[list(changes.COLUMNS)].to_numpy().tolist() == [
        ["E1.2", "F3.1", "correction", 10_000.0],
        ["F3.1", "G1.1", "new_vintage", 4_000.0],
        ["J1.1", "E1.2", "both", 10_000.0],
        ["G1.1", "E1.2", "correction", 100.0],
    ]
    assert np.allclose(shapely.area(found.geometry.to_numpy()), found["area_m2"])


def cells(top, bottom, left, right):
    """The outline of a block of cells."""
    west, north = TEN_METRES @ (left, top)
    east, south = TEN_METRES @ (right, bottom)
    return shapely.box(west, south, east, north)


def test_within_one_classification_every_change_is_a_correction(tmp_path):
    later = quarters()
    later[0, 0] = 4
    before = write_class_map(tmp_path / "before.tif", quarters(), codes=CODES)
    after = write_class_map(tmp_path / "after.tif", later, codes=CODES)
    same = changes.Corrected(NOTHING.outlines, same_model=True)
    assert list(changes.changed_patches(before, after, corrected=same, mmu_px=4)["cause"]) == ["correction"]


def test_codes_are_compared_and_not_the_numbers_that_stand_for_them(tmp_path):
    before = write_class_map(tmp_path / "before.tif", quarters(), codes=CODES)
    other = {5 - value: code for value, code in CODES.items()}
    after = write_class_map(tmp_path / "after.tif", 5 - quarters(), codes=other)
    assert changes.changed_patches(before, after, corrected=NOTHING, mmu_px=1).empty


def test_maps_on_two_grids_are_not_compared(tmp_path):
    before = write_class_map(tmp_path / "before.tif", quarters(), codes=CODES)
    after = write_class_map(tmp_path / "after.tif", quarters(60), codes=CODES)
    with pytest.raises(RasterError, match="grid"):
        changes.changed_patches(before, after, corrected=NOTHING, mmu_px=1)


def test_outlines_come_back_from_degrees_as_the_same_coverage(tmp_path):
    frame = map_frame(write_class_map(tmp_path / "classes.tif", quarters(), codes=CODES))
    assert polygons.faults_of_coverage(frame.geometry.to_numpy()).size == 0
    assert list(frame.area) == [40_000.0] * 4
    broken = frame.geometry.to_numpy().copy()
    broken[1] = shapely.affinity.translate(broken[1], 3)
    assert polygons.faults_of_coverage(broken).size > 0
    broken[2] = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert list(polygons.faults_of_coverage(broken)) == [2]
