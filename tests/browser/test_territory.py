import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.layout import width_of

pytestmark = [pytest.mark.browser, pytest.mark.service]
SIZES = [(1280, 800), (390, 844)]
SHEET = "/territoires/commune/34001/"


@pytest.fixture
def changed_commune(mapped_region):
    """The first commune, where one habitat became another."""
    before, after = mapped_region["vintages"]
    factories.TerritoryTransitionFactory(
        vintage=after,
        earlier=before,
        territory=mapped_region["communes"][0],
        from_type=mapped_region["habitats"][0],
        to_type=mapped_region["habitats"][1],
    )
    return mapped_region


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_sheet_of_a_commune_reads_without_scrolling_sideways(
    live_web, new_page, changed_commune, picture, width, height
):
    page = new_page(width=width, height=height)
    page.goto(live_web + SHEET)
    expect(page.get_by_role("heading", level=1)).to_have_text("Saint-Étienne-d'Essai")
    expect(page.locator("#areas-title")).to_contain_text("2024")
    expect(page.locator("#changes-title")).to_contain_text("2023")
    expect(page.locator("#locator canvas").first).to_be_visible()
    assert width_of(page) <= width
    assert page.errors == []
    picture(page, f"territory-{width}")


def test_choosing_a_vintage_shows_it_at_once(live_web, page, changed_commune):
    before, after = changed_commune["vintages"]
    page.goto(live_web + SHEET)
    page.locator("#id_vintage").select_option(str(before.pk))
    page.wait_for_url(f"**vintage={before.pk}*")  # loaded with its scripts, which listen to the next choice
    expect(page.locator("#areas-title")).to_contain_text("2023")
    page.locator("#id_vintage").select_option(str(after.pk))
    expect(page.locator("#areas-title")).to_contain_text("2024")


def test_the_sheet_leads_to_the_map_at_the_same_place(live_web, page, changed_commune):
    page.goto(live_web + SHEET)
    page.locator(".territory-place a").click()
    expect(page.locator("#map")).to_be_visible()
    assert "lat=43.61" in page.url
    assert page.errors == []


def test_the_locator_map_has_its_words(live_web, page, changed_commune):
    page.goto(live_web + SHEET)
    words = page.locator(f"#{page.locator('#locator').get_attribute('aria-labelledby')}")
    expect(words).to_contain_text("43,61")


def test_without_scripts_the_sheet_still_says_everything(live_web, new_page, changed_commune):
    page = new_page(java_script_enabled=False)
    page.goto(live_web + SHEET)
    expect(page.locator("main table")).to_have_count(3)
    page.locator("main form.filters button").click()
    expect(page.locator("#areas-title")).to_contain_text("2024")
