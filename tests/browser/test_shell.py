import re

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.layout import width_of

pytestmark = [pytest.mark.browser, pytest.mark.service]
SIZES = [(1280, 800), (390, 844)]
PAGES = {"map": "/", "table": "/tableau/", "communes": "/communes/", "login": "/compte/login/", "missing": "/rien/"}


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_page_says_that_the_data_are_simulated(site, new_page, mapped_region, picture, width, height):
    page = new_page(width=width, height=height)
    for name, path in PAGES.items():
        page.goto(site + path)
        expect(page.locator(".notice-bar")).to_contain_text("Données simulées")
        assert width_of(page) <= width, path
        picture(page, f"{name}-{width}")
    assert [error for error in page.errors if "404" not in error] == []


def test_a_real_region_says_nothing_of_simulation(site, page):
    factories.RegionFactory()
    page.goto(f"{site}/communes/")
    expect(page.locator(".notice-bar")).to_have_count(0)


def test_the_language_switch_keeps_the_page(site, page, mapped_region):
    page.goto(f"{site}/communes/?q=bois")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("navigation").first).to_contain_text("Carte")
    page.get_by_role("button", name="EN").click()
    expect(page).to_have_url(re.compile(r"/communes/\?q=bois"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("navigation").first).to_contain_text("Map")


def test_the_first_tab_stop_skips_to_the_content(site, page, mapped_region):
    page.goto(f"{site}/communes/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_on_a_phone_the_menu_opens_and_closes_by_keyboard(site, new_page, mapped_region, picture):
    page = new_page(width=390, height=844)
    page.goto(f"{site}/communes/")
    menu = page.get_by_role("button", name="Menu")
    expect(page.get_by_role("link", name="Tableau", exact=True)).to_be_hidden()
    menu.press("Enter")
    expect(page.get_by_role("link", name="Tableau", exact=True)).to_be_visible()
    picture(page, "menu-390")
    page.get_by_role("link", name="Tableau", exact=True).press("Escape")
    expect(menu).to_be_focused()


def test_a_person_signs_in_and_out(site, page, mapped_region):
    person = factories.UserFactory(full_name="Nadège Relevé")
    page.goto(f"{site}/compte/login/")
    page.locator("#id_login").fill(person.email)
    page.locator("#id_password").fill("wrong")
    page.locator("main button[type=submit]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator("#id_password").fill(factories.PASSWORD)
    page.locator("main button[type=submit]").click()
    expect(page.locator(".site-tools")).to_contain_text("Nadège Relevé")
    page.locator(".person-menu summary").click()
    page.locator(".person-menu").get_by_role("button", name="Se déconnecter").click()
    expect(page.locator(".site-tools")).not_to_contain_text("Nadège Relevé")
    assert page.errors == []


def test_every_element_that_takes_the_focus_shows_it(site, page, mapped_region):
    page.goto(f"{site}/communes/")
    for _step in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
