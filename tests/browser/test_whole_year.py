"""A whole year in the browser: an engineer starts it, a worker plays it, a person approves, everybody sees the map.

`BIOCCIA_PICTURES=docs/images BIOCCIA_PICTURES_PX=2000` writes the README's pictures from a region of that size.
"""

import os
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from habitats.actions import publish_vintage
from habitats.importers.region_folder import import_region_folder
from habitats.models import Vintage
from habitats.states import VintageState
from ml.models import ModelVersion, Run
from territories.states import Role
from tests import factories
from tests.browser.layout import width_of
from tests.browser.people import sign_in
from tests.regions import simulated_folder

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.slow]
PATIENCE_MS = 240_000
SIZES = ((1280, 800), (390, 844))
SIZE_PX = int(os.environ.get("BIOCCIA_PICTURES_PX", "320"))


@pytest.fixture
def keep(picture):
    """Keep a picture under tests/output, or where BIOCCIA_PICTURES says."""
    folder = os.environ.get("BIOCCIA_PICTURES")

    def keep_picture(page, name):
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png")
        else:
            picture(page, f"year-{name}")

    return keep_picture


def start_a_year(page, address, year):
    page.goto(f"{address}/traitements/")
    page.locator("#id_year").select_option(str(year))
    page.locator("#id_decision").select_option("person")
    page.locator("form:has(#id_year) button[type=submit]").click()
    page.wait_for_url("**/traitements/*/")
    return Run.objects.latest("pk")


def approve(page, address, number):
    page.goto(f"{address}/versions/{number}/")
    page.locator("textarea[name=reason]").fill("Scores lus ; les confusions sont celles du terrain.")
    page.locator("button[value=approve]").click()
    expect(page.locator("main")).to_contain_text("Scores lus")


def fits(page, width):
    assert width_of(page) <= width, f"{page.url} scrolls sideways"


def test_a_year_is_started_approved_published_and_read_by_everybody(live_web, worker, new_page, keep, tmp_path_factory):
    region = import_region_folder(simulated_folder(tmp_path_factory, size_px=SIZE_PX), at=timezone.now()).region
    engineer = factories.person_with(Role.MODEL_ENGINEER, factories.TerritoryFactory(kind="region", code="XR"))
    page = new_page()
    sign_in(page, live_web, engineer)
    for year in region.years:
        run = start_a_year(page, live_web, year)
        expect(page.locator("#run-progress")).to_contain_text("décision", timeout=PATIENCE_MS)
        number = ModelVersion.objects.latest("number").number
        approve(page, live_web, number)
        page.goto(f"{live_web}/traitements/{run.pk}/")
        if year == region.years[-1]:
            keep(page, "run-1280")
        expect(page.locator(".run-progress__percent")).to_have_text("100 %", timeout=PATIENCE_MS)
        publish_vintage(vintage=Vintage.objects.get(year=year, state=VintageState.WORKING), at=timezone.now())
    assert page.errors == []
    visit(live_web, new_page, keep, number)


def visit(address, new_page, keep, number):
    """What a visitor reads, on a desk and on a telephone."""
    assert Vintage.objects.published().count() == 2
    pages = {"map": "/", "table": "/tableau/", "territory": "/territoires/commune/X1001/"}
    pages |= {"version": f"/versions/{number}/", "communes": "/communes/"}
    for width, height in SIZES:
        for name, path in pages.items():
            page = new_page(width=width, height=height)
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            expect(page.get_by_text("Données simulées").first).to_be_visible()
            fits(page, width)
            assert page.errors == []
            keep(page, f"{name}-{width}")
