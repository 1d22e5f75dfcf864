"""The simulated region: a valid folder, the same bytes for a seed, change where it is said to be."""

import hashlib
import json

import numpy as np
import pytest
import rasterio
import shapely

from ml.compute.errors import ComputeError, RegionFolderError
from ml.compute.region import check_region_folder, read_region_folder, read_samples, read_territory_layers
from ml.compute.simulation import SimulationOptions, add_simulated_years, simulate_region
from ml.compute.simulation.habitats import CODES, HABITATS

SMALL = SimulationOptions(seed=7, size_px=160)


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def classes_of(path):
    with rasterio.open(path) as source:
        return source.read(1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    home = tmp_path_factory.mktemp("simulation")
    simulate_region(home / "region", options=SMALL, truth_dir=home / "truth")
    return home


@pytest.fixture(scope="module")
def folder(place):
    return read_region_folder(place / "region")


def test_the_folder_passes_the_checks_made_before_an_import(folder):
    notices = check_region_folder(folder)

    assert folder.simulated
    assert folder.seed == 7
    assert folder.typology == "EUNIS2012"
    assert not [notice for notice in notices if "cannot be mapped" in notice or "off the rasters" in notice]


def test_at_least_sixteen_habitats_of_level_three_live_there(folder):
    level_three = [row.code for row in folder.legend if "." in row.code]

    assert len(level_three) >= 16
    assert {row.parent_code for row in folder.legend} - {""} <= {row.code for row in folder.legend}
    assert {row.stake for row in folder.legend if row.code in CODES} == {"faible", "moyen", "fort", "très fort"}


def test_no_two_habitats_share_a_colour():
    assert len({habitat.color for habitat in HABITATS}) == len(HABITATS)


def test_every_habitat_has_samples_each_year(folder):
    for year in folder.years:
        assert set(read_samples(folder, year)["code"]) == set(CODES)


def test_samples_come_from_the_field_and_from_images_and_leave_the_split_open(folder):
    samples = read_samples(folder, 2024)

    assert set(samples["origin"]) == {"releve", "photo_interpretation"}
    assert set(samples["split"]) == {""}
    assert set(samples.loc[samples["origin"] == "releve"].geom_type) == {"Point"}
    assert samples["date"].str.startswith("2024-").all()


def test_some_samples_are_wrong_but_most_are_right(place, folder):
    truth = rasterio.open(place / "truth" / "truth_2024.tif")
    samples = read_samples(folder, 2024)
    with truth:
        found = [next(truth.sample([(point.x, point.y)]))[0] for point in samples.representative_point()]
    right = np.array([CODES[number - 1] for number in found]) == samples["code"].to_numpy()

    assert 0.75 < right.mean() < 0.99


def test_territories_nest_and_cover_the_land_without_gaps_or_overlaps(folder):
    layers = read_territory_layers(folder)

    assert [len(layers[kind]) for kind in ("region", "department")] == [1, 3]
    assert 3 <= len(layers["epci"]) <= 5
    for frame in layers.values():
        assert shapely.coverage_is_valid(frame.geometry.to_numpy())
        assert frame.area.sum() == pytest.approx(layers["region"].area.sum())
    assert set(layers["commune"]["parent_code"]) == set(layers["department"]["code"])
    assert set(layers["commune"]["epci_code"]) == set(layers["epci"]["code"])


def test_no_code_of_a_territory_could_be_one_of_insee(folder):
    for frame in read_territory_layers(folder).values():
        assert frame["code"].str.startswith("X").all()


@pytest.mark.parametrize(("size", "communes"), [(100, 6), (1000, 15), (2000, 30)])
def test_a_smaller_region_has_fewer_communes_but_three_departments(size, communes):
    assert SimulationOptions(size_px=size).commune_count == communes


def test_twelve_dates_of_six_bands_with_gaps_as_wide_as_real_ones(place):
    with rasterio.open(place / "region" / "stack" / "2024" / "s2.tif") as source:
        image, names = source.read(), source.descriptions
        assert (source.crs.to_epsg(), source.dtypes[0], source.nodata) == (2154, "int16", -32768)
    hidden = (image[::6] == -32768).mean(axis=(1, 2))

    assert len(names) == 72
    assert names[0].endswith("_B02")
    assert sorted({name[:10] for name in names}) == list(dict.fromkeys(name[:10] for name in names))
    assert 0.2 < hidden.mean() < 0.3
    assert hidden.max() > 0.9


def test_leaves_come_out_later_in_the_mountain(place):
    """Beech woods are greener in May at the foot of their belt than at its top."""
    truth = classes_of(place / "truth" / "truth_2024.tif") == CODES.index("G1.6") + 1
    with rasterio.open(place / "region" / "stack" / "2024" / "relief.tif") as source:
        height = source.read(1)
    with rasterio.open(place / "region" / "stack" / "2024" / "s2.tif") as source:
        spring = [i for i, name in enumerate(source.descriptions) if 4 <= int(name[5:7]) <= 5]
        image = source.read([i + 1 for i in spring]).astype(float)
    image[image == -32768] = np.nan
    red, infrared = image[2::6], image[3::6]
    with np.errstate(invalid="ignore"):
        green = np.nansum(infrared - red, axis=0) / np.nansum(infrared + red, axis=0)
    low, high = np.nanquantile(height[truth], [0.25, 0.75])

    assert np.nanmean(green[truth & (height < low)]) > np.nanmean(green[truth & (height > high)])


def test_the_truth_changes_where_the_causes_say_and_nowhere_else(place):
    first = classes_of(place / "truth" / "truth_2024.tif")
    second = classes_of(place / "truth" / "truth_2025.tif")
    cause = classes_of(place / "truth" / "change_2025.tif")
    with rasterio.open(place / "truth" / "change_2025.tif") as source:
        words = json.loads(source.tags()["CAUSES"])

    assert np.array_equal(first != second, cause != 0)
    assert {"fire", "building", "lagoon shore laid dry by drought"} <= {words[str(n)] for n in np.unique(cause)}
    assert 0.005 < (cause != 0).mean() < 0.1


def test_a_burnt_cell_is_darker_in_the_infrared_after_the_fire(place):
    burnt = classes_of(place / "truth" / "change_2025.tif") == 1
    with rasterio.open(place / "region" / "stack" / "2025" / "s2.tif") as source:
        names = [name for name in source.descriptions if name.endswith("_B08")]
        image = source.read([source.descriptions.index(name) + 1 for name in names]).astype(float)
    image[image == -32768] = np.nan
    months = np.array([int(name[5:7]) for name in names])
    before = np.nanmean(image[(months >= 5) & (months <= 6)][:, burnt])
    after = np.nanmean(image[(months >= 8) & (months <= 9)][:, burnt])

    assert after < 0.8 * before


def test_nothing_in_the_folder_tells_the_truth(place):
    names = {path.name for path in (place / "region").rglob("*") if path.is_file()}

    assert names == {
        "2024.csv", "2024.gpkg", "2025.csv", "2025.gpkg", "flora.csv", "legend.csv", "region.toml", "relief.tif",
        "s2.tif", "territories.gpkg",
    }  # fmt: skip


def test_the_same_seed_gives_the_same_bytes(place, tmp_path):
    simulate_region(tmp_path / "again", options=SMALL, truth_dir=tmp_path / "truth")

    assert digests(tmp_path / "again") == digests(place / "region")
    assert digests(tmp_path / "truth") == digests(place / "truth")


def test_another_seed_gives_another_land(place, tmp_path):
    options = SimulationOptions(seed=8, size_px=160, years=(2024,))
    simulate_region(tmp_path / "other", options=options, truth_dir=tmp_path / "truth")

    other = classes_of(tmp_path / "truth" / "truth_2024.tif")
    assert (other != classes_of(place / "truth" / "truth_2024.tif")).mean() > 0.3


def test_a_year_added_later_has_the_bytes_it_would_have_had(place, tmp_path):
    first = SimulationOptions(seed=7, size_px=160, years=(2024,))
    simulate_region(tmp_path / "grown", options=first, truth_dir=tmp_path / "truth")
    add_simulated_years(tmp_path / "grown", years=(2025,), truth_dir=tmp_path / "truth")

    assert digests(tmp_path / "grown") == digests(place / "region")
    assert digests(tmp_path / "truth") == digests(place / "truth")


def test_a_year_that_is_there_is_not_added_again(place):
    with pytest.raises(RegionFolderError, match="2025 is already there"):
        add_simulated_years(place / "region", years=(2025,))


def test_a_region_that_is_not_simulated_gets_no_year(tmp_path):
    (tmp_path / "region.toml").write_text('name = "Real"\n', encoding="utf-8")

    with pytest.raises(RegionFolderError, match="not simulated"):
        add_simulated_years(tmp_path, years=(2025,))


def test_a_folder_that_holds_something_is_left_alone(place):
    before = digests(place / "region")

    with pytest.raises(RegionFolderError, match="already there"):
        simulate_region(place / "region", options=SMALL)

    assert digests(place / "region") == before


def test_the_truth_may_not_lie_in_the_region_folder(tmp_path):
    with pytest.raises(RegionFolderError, match="outside"):
        simulate_region(tmp_path / "region", options=SMALL, truth_dir=tmp_path / "region" / "truth")


def test_stopping_half_way_leaves_nothing(tmp_path):
    def stop(done, total):
        if done > total // 2:
            raise InterruptedError

    options = SimulationOptions(size_px=100, years=(2024,))
    with pytest.raises(InterruptedError):
        simulate_region(tmp_path / "region", options=options, truth_dir=tmp_path / "truth", progress=stop)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"years": (2019,)}, {"years": ()}, {"size_px": 20}, {"seed": -1}])
def test_a_choice_that_cannot_be_simulated_is_refused(wrong):
    with pytest.raises(ComputeError, match="give"):
        SimulationOptions(**wrong)
