import json
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ml.compute.distribution import make_model
from ml.compute.distribution_file import load_distribution, save_distribution
from ml.compute.errors import DistributionError, ModelFileError
from tests.ml.compute.rasters import shared_path


def invented_species(seed=1, presences=60, background=800):
    """A species of cool places on lime: suitable where it lives, seen there only."""
    random = np.random.default_rng(seed)
    region = pd.DataFrame(
        {
            "temperature": random.normal(12, 4, 6000),
            "rain": random.normal(800, 150, 6000),
            "soil": random.choice(["lime", "acid", "clay"], 6000),
        }
    )
    suits = np.exp(-(((region["temperature"] - 8) / 2) ** 2)) * np.where(region["soil"] == "lime", 1, 0.2)
    found = random.random(6000) < suits
    seen = region[found].sample(presences, random_state=seed)
    points = pd.concat([seen, region.sample(background, random_state=seed)], ignore_index=True)
    return points, np.repeat([1, 0], [presences, background]), region, found


def test_suitable_places_rank_above_the_others():
    points, labels, region, found = invented_species()
    suitability = make_model(categorical=["soil"]).fit(points, labels).predict_proba(region)
    assert suitability.shape == (6000, 2)
    np.testing.assert_allclose(suitability.sum(axis=1), 1)
    assert roc_auc_score(found, suitability[:, 1]) > 0.85


def test_the_same_seed_gives_the_same_figures_whatever_the_threads():
    points, labels, region, _ = invented_species()
    one = make_model(["soil"], seed=3).fit(points, labels).predict_proba(region)
    two = make_model(["soil"], seed=3, n_jobs=2).fit(points, labels).predict_proba(region)
    other = make_model(["soil"], seed=4).fit(points, labels).predict_proba(region)
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_gaps_and_categories_never_seen_are_worth_knowing_nothing():
    points, labels, region, _ = invented_species()
    points.loc[5, "rain"] = np.nan
    points.loc[7, "soil"] = None
    model = make_model(["soil"]).fit(points, labels)
    places = region.head(4).copy()
    places["soil"] = ["lime", "acid", "peat", None]
    places["temperature"] = 8.0
    places["rain"] = [np.nan, np.inf, np.nan, np.nan]
    lime, acid, peat, unknown = model.predict_proba(places)[:, 1]
    assert acid < peat == unknown < lime


def test_categories_given_as_numbers_are_the_same_with_and_without_decimals():
    points, labels, region, _ = invented_species()
    numbers = {"lime": 1, "acid": 2, "clay": 3}
    points["soil"], region["soil"] = points["soil"].map(numbers), region["soil"].map(numbers)
    model = make_model(["soil"]).fit(points, labels)
    as_decimals = region.assign(soil=region["soil"].astype(float))
    np.testing.assert_array_equal(model.predict_proba(region), model.predict_proba(as_decimals))


def test_a_constant_or_empty_predictor_changes_no_rank():
    points, labels, region, found = invented_species()
    points, region = points.assign(flat=1.0, empty=np.nan), region.assign(flat=1.0, empty=np.nan)
    model = make_model(["soil"]).fit(points, labels)
    assert roc_auc_score(found, model.predict_proba(region)[:, 1]) > 0.85


def test_presences_at_one_place_count_once():
    points, labels, region, _ = invented_species()
    places = np.column_stack((np.arange(len(points)), np.zeros(len(points))))
    doubled = pd.concat([points.head(1)] * 30 + [points], ignore_index=True)
    doubled_places = np.vstack([places[:1]] * 30 + [places])
    doubled_labels = np.concatenate([np.ones(30, int), labels])
    once = make_model(["soil"]).fit(points, labels, coords=places).predict_proba(region)
    again = make_model(["soil"]).fit(doubled, doubled_labels, coords=doubled_places).predict_proba(region)
    np.testing.assert_allclose(once, again)


def test_a_saved_model_says_the_same(tmp_path):
    points, labels, region, _ = invented_species()
    model = make_model(["soil"], seed=2).fit(points, labels)
    save_distribution(model, tmp_path / "species.model")
    again = load_distribution(tmp_path / "species.model")
    np.testing.assert_array_equal(again.predict_proba(region), model.predict_proba(region))


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "the model is missing"), (b"not a model", "not a model of a species"), (b"", "not a model of a species")],
)
def test_a_file_that_is_no_model_is_named(tmp_path, content, message):
    path = tmp_path / "species.model"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        load_distribution(path)


def test_points_that_cannot_be_learned_from_are_refused():
    points, labels, _, _ = invented_species()
    with pytest.raises(DistributionError, match=r"1 presence\(s\); give at least 2"):
        make_model(["soil"]).fit(points.iloc[59:], labels[59:])
    with pytest.raises(DistributionError, match=r"0 background point\(s\)"):
        make_model(["soil"]).fit(points.iloc[:60], labels[:60])
    with pytest.raises(DistributionError, match="y needs 860 values"):
        make_model(["soil"]).fit(points, labels * 2)
    with pytest.raises(DistributionError, match="Predictor 'soil' holds text"):
        make_model().fit(points, labels)
    with pytest.raises(DistributionError, match="No predictor 'geology'"):
        make_model(["geology"]).fit(points, labels)
    with pytest.raises(DistributionError, match="missing: rain"):
        make_model(["soil"]).fit(points, labels).predict_proba(points.drop(columns="rain"))


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize(("region", "floor"), [("AWT", 0.66), ("CAN", 0.50), ("SA", 0.77)])
def test_independent_sites_are_ranked_better_than_by_chance(region, floor, record_property, capsys):
    folder = shared_path("data/sdm_dev")
    about = json.loads((folder / "meta.json").read_text())[region]
    tables = {
        name: pd.read_parquet(folder / f"{region}_{name}.parquet") for name in ("po", "bg", "test_env", "test_pa")
    }
    scores = [score_species(name, about, tables) for name in sorted(about["species"])[::4]]
    mean = float(np.mean(scores))
    record_property("mean_auc", mean)
    with capsys.disabled():
        sys.stdout.write(f"\n{region}: mean AUC {mean:.3f} over {len(scores)} species (chance: 0.500)\n")
    assert mean > floor


def score_species(name, about, tables):
    columns = about["cov_valavi"]
    presences = tables["po"][tables["po"]["spid"] == name]
    points = pd.concat([presences[columns], tables["bg"][columns]], ignore_index=True)
    labels = np.repeat([1, 0], [len(presences), len(tables["bg"])])
    categorical = [column for column in about["cat"] if column in columns]
    surveyed = tables["test_pa"][name] != -1
    suitability = make_model(categorical).fit(points, labels).predict_proba(tables["test_env"][surveyed])
    return roc_auc_score(tables["test_pa"].loc[surveyed, name], suitability[:, 1])
