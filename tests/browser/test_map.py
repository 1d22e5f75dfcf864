import json
import re

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.layout import width_of

pytestmark = [pytest.mark.browser, pytest.mark.service]
MIDDLE_OF_FIRST_SQUARE = "p=2.310000,43.610000"


def open_map(page, address, view=""):
    page.goto(f"{address}/{view}")
    expect(page.locator(".habitat-layer canvas.leaflet-tile-loaded").first).to_be_visible()
    expect(page.locator("[data-map-loading]")).to_be_hidden()


def painted_colors(page):
    """The colours on the canvases of the habitats, as rgb hexadecimals, without blends at the edges."""
    return set(
        page.evaluate(
            """() => {
                const counts = new Map();
                for (const canvas of document.querySelectorAll(".habitat-layer canvas")) {
                    if (!canvas.width) continue;
                    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                    for (let i = 0; i < data.length; i += 64) {
                        if (data[i + 3] < 255) continue;
                        const color = "#" + [0, 1, 2].map((k) => data[i + k].toString(16).padStart(2, "0")).join("");
                        counts.set(color, (counts.get(color) ?? 0) + 1);
                    }
                }
                return [...counts].filter(([, count]) => count > 20).map(([color]) => color);
            }"""
        )
    )


def colors_of(habitats):
    return {habitat.legend_entry.color for habitat in habitats}


def click_on_the_map(page, longitude_share=0.5, latitude_share=0.5):
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] * longitude_share, box["y"] + box["height"] * latitude_share)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_view_shows_the_habitats_in_their_colours(site, new_page, mapped_region, picture, width, height):
    page = new_page(width=width, height=height)
    open_map(page, site)
    assert painted_colors(page) >= colors_of(mapped_region["habitats"])
    assert width_of(page) <= width
    picture(page, f"map-{width}")
    assert page.errors == []


def test_one_leaflet_only_and_everything_from_here(site, page, mapped_region):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_map(page, site)
    assert [url for url in asked if not url.startswith((site, "data:", "blob:"))] == []
    assert len([url for url in asked if "leaflet" in url and url.endswith(".js")]) == 1


def test_a_click_opens_the_card_and_a_link_brings_it_back(site, new_page, mapped_region, picture):
    page = new_page()
    open_map(page, site, "#z=14&lat=43.61&lon=2.31")
    click_on_the_map(page)
    card = page.locator("#polygon-card")
    expect(card).to_contain_text("F6.1")
    expect(card).to_contain_text("41 %")
    expect(card).to_contain_text("33 %")
    expect(card.get_by_role("link", name="Saint-Étienne-d'Essai")).to_be_visible()
    expect(page.locator("path.chosen-polygon")).to_have_count(1)
    picture(page, "map-card-1280")
    link = page.locator("#share-link").input_value()
    other = new_page(width=390, height=844)
    other.goto(link)
    expect(other.locator("#polygon-card")).to_contain_text("F6.1")
    picture(other, "map-card-390")
    assert page.errors + other.errors == []


def test_the_switch_of_years_changes_the_map_the_card_and_the_link(site, page, mapped_region):
    open_map(page, site, f"#z=14&lat=43.61&lon=2.31&{MIDDLE_OF_FIRST_SQUARE}")
    expect(page.locator("#polygon-card")).to_contain_text("F6.1")
    page.locator(".year-switch").get_by_text("2023").click()
    expect(page.locator("#polygon-card")).to_contain_text("E1.2")
    assert "a=2023" in page.locator("#share-link").input_value()


def test_a_curtain_shows_another_year_at_its_left(site, page, mapped_region, picture):
    open_map(page, site, "#a=2024&c=2023&z=14&lat=43.61&lon=2.32")
    expect(page.locator("[data-curtain]")).to_be_visible()
    click_on_the_map(page, longitude_share=0.4)
    expect(page.locator("#polygon-card")).to_contain_text("E1.2")
    page.locator("[data-curtain] input").press("Home")
    click_on_the_map(page, longitude_share=0.45)
    expect(page.locator("#polygon-card")).to_contain_text("F6.1")
    picture(page, "map-curtain-1280")
    page.locator("#compared-vintage").select_option("")
    expect(page.locator("[data-curtain]")).to_be_hidden()
    assert page.errors == []


def test_the_legend_filters_the_map_and_the_link_keeps_the_filter(site, new_page, mapped_region):
    page = new_page()
    open_map(page, site)
    page.locator("[data-legend-none]").click()
    page.get_by_label("G2.1").check()
    kept = mapped_region["habitats"][2]
    page.wait_for_timeout(300)
    assert painted_colors(page) & colors_of(mapped_region["habitats"]) == {kept.legend_entry.color}
    link = page.locator("#share-link").input_value()
    assert "on=G2.1" in link
    other = new_page()
    other.goto(link)
    expect(other.get_by_label("G2.1")).to_be_checked()
    expect(other.get_by_label("E1.2")).not_to_be_checked()


def test_a_search_in_the_legend_minds_no_accent(site, page, mapped_region):
    open_map(page, site)
    page.locator("#legend-search").fill("TRES nombreuses")
    expect(page.locator("[data-legend-row]:visible")).to_have_count(4)
    page.locator("#legend-search").fill("g2")
    expect(page.locator("[data-legend-row]:visible")).to_have_count(1)
    page.locator("#legend-search").fill("zzz")
    expect(page.locator("#legend-empty")).to_be_visible()


def test_a_commune_is_found_by_keyboard_without_accents_nor_hyphens(site, page, mapped_region):
    open_map(page, site)
    page.locator("#commune-q").fill("st etienne d essai")
    expect(page.locator("#commune-suggestions [role=option]")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#commune-q")).to_have_value("Saint-Étienne-d'Essai")
    expect(page.locator("#share-link")).to_have_value(re.compile("lat=43[.]61"))
    page.keyboard.press("Enter")
    expect(page.locator("#polygon-card")).to_contain_text("F6.1")


def test_a_basemap_that_does_not_answer_leaves_a_useful_map(site, page, mapped_region, picture):
    open_map(page, site, "#fond=plan")
    expect(page.locator("[data-map-notice]")).to_be_visible()
    expect(page.locator("input[name=basemap][value=none]")).to_be_checked()
    assert painted_colors(page) >= colors_of(mapped_region["habitats"])
    picture(page, "map-no-basemap-1280")
    assert page.errors == []


def test_tiles_that_fail_are_said_and_can_be_asked_again(site, page, mapped_region):
    page.route("**/tiles/vintages/**", lambda route: route.fulfill(status=503))
    page.goto(site)
    expect(page.locator("[data-map-retry]")).to_be_visible()
    page.unroute("**/tiles/vintages/**")
    page.locator("[data-map-retry]").click()
    expect(page.locator(".habitat-layer canvas.leaflet-tile-loaded").first).to_be_visible()
    expect(page.locator("[data-map-notice]")).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_without_a_vintage_the_map_says_what_comes(site, new_page, picture, width, height):
    factories.RegionFactory()
    factories.TerritoryFactory(name="Bois-Joli")
    page = new_page(width=width, height=height)
    page.goto(site)
    expect(page.locator(".empty")).to_be_visible()
    picture(page, f"map-empty-{width}")
    assert page.errors == []


def test_the_map_and_its_table_tell_the_same_areas(site, page, mapped_region, picture):
    page.goto(f"{site}/tableau/")
    expect(page.locator("#areas-title ~ *, table").first).to_be_visible()
    rows = page.locator("table").first.locator("tbody tr")
    expect(rows).to_have_count(4)
    page.locator("#id_place").fill("bois joli")
    page.get_by_role("button", name="Afficher").click()
    expect(page.locator("#areas-title")).to_contain_text("Bois-Joli")
    picture(page, "table-1280")
    page.get_by_role("link", name="Voir sur la carte").first.click()
    expect(page.locator("#polygon-card")).to_contain_text("Bois-Joli")
    assert page.errors == []


def test_the_settings_of_the_map_hold_no_secret(site, page, mapped_region):
    open_map(page, site)
    settings = json.loads(page.locator("#map-settings").text_content())
    assert [vintage["year"] for vintage in settings["vintages"]] == [2024, 2023]
