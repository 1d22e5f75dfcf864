import pytest
from playwright.sync_api import expect

from ml.states import VersionState
from territories.states import Role
from tests import factories
from tests.browser.layout import width_of
from tests.browser.people import sign_in
from tests.factories.ablations import AblationFactory

pytestmark = [pytest.mark.browser, pytest.mark.service]
SIZES = [(1280, 800), (390, 844)]
CODES = tuple(f"E{number}.{number % 9}" for number in range(1, 23))


@pytest.fixture
def candidate(transactional_db):
    """A candidate of twenty-two habitats beside the current version, and the run that waits for it."""
    region = factories.RegionFactory(simulated=True)
    for code in CODES:
        factories.HabitatTypeFactory(code=code, in_legend=True)
    current = factories.ModelVersionFactory(approved=True, codes=CODES, accuracy=0.8)
    counts = {
        "by_set": {"training": 300, "selection": 90},
        "by_origin": {"releve": 390},
        "by_habitat": dict.fromkeys(CODES, 17),
        "from_reports": {
            "samples": 48,
            "carried": 21,
            "set_aside": 3,
            "weight": 19.3,
            "weight_share": 0.061,
            "by_year": {"2023": 21, "2024": 27},
        },
    }
    version = factories.ModelVersionFactory(
        codes=CODES,
        compared_with=current,
        training_set=factories.TrainingSetFactory(counts=counts, sample_count=390),
        comparison={
            "current": current.number,
            "verdict": "better",
            "macro_f1": {"candidate": 0.9, "current": 0.8},
            "per_class": {code: {"candidate": 0.9, "current": 0.8} for code in CODES},
        },
    )
    factories.RunFactory(region=region, awaiting_decision=True, version=version)
    AblationFactory(version=version)
    AblationFactory(version=version, doubtful=True)
    return version


@pytest.fixture
def engineer(transactional_db):
    return factories.person_with(Role.MODEL_ENGINEER)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_version_of_many_habitats_is_readable(live_web, new_page, candidate, engineer, picture, width, height):
    page = new_page(width=width, height=height)
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/versions/{candidate.number}/")
    expect(page.locator("table.confusion tbody tr")).to_have_count(len(CODES))
    expect(page.locator(".score-plot")).to_have_count(len(CODES))
    assert width_of(page) <= width
    picture(page, f"version-{width}")
    expect(page.locator("#reports tbody tr")).to_have_count(2)
    page.locator("#reports").scroll_into_view_if_needed()
    picture(page, f"version-reports-{width}")
    page.goto(f"{live_web}/versions/")
    assert width_of(page) <= width
    picture(page, f"versions-{width}")
    assert page.errors == []


def test_the_matrix_scrolls_by_keyboard_and_is_told_in_words(live_web, new_page, candidate, engineer):
    page = new_page(width=390, height=844)
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/versions/{candidate.number}/")
    matrix = page.locator(".confusion-scroll")
    matrix.focus()
    page.keyboard.press("ArrowRight")
    while not matrix.evaluate("element => element.scrollLeft > 0"):  # the page's policy forbids to wait in its scripts
        page.wait_for_timeout(50)
    page.locator("summary", has_text="matrice").click()
    expect(page.locator(".confusion-words li")).to_have_count(len(CODES))


def test_an_engineer_approves_with_a_reason_and_not_without(live_web, page, candidate, engineer):
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/versions/{candidate.number}/")
    approve = page.locator("button[value=approve]")
    approve.click()
    assert page.evaluate("document.querySelector('#id_reason').validity.valueMissing")
    page.locator("#id_reason").fill("Meilleure sur chaque habitat.")
    approve.click()
    expect(page.locator("#decision")).to_have_count(0)
    expect(page.locator(".page-head")).to_contain_text("Meilleure sur chaque habitat.")
    candidate.refresh_from_db()
    assert candidate.state == VersionState.APPROVED
    assert page.errors == []


def test_two_versions_are_laid_side_by_side(live_web, page, candidate, engineer, picture):
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/versions/")
    page.locator("form.filters button").click()
    expect(page.locator("main table")).to_have_count(2)
    picture(page, "versions-compared-1280")
    assert page.errors == []
