import math

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Report, Round
from feedback.states import ReportState
from habitats.models import Polygon
from tests.browser.accessibility import problems_of
from tests.browser.people import sign_in
from tests.feedback.contest_ground import contest_ground

pytestmark = [pytest.mark.browser, pytest.mark.service]
SIZES = [(1280, 900), (390, 844)]
ZOOM = 15
START = (2.3033, 43.6033)  # the middle of the first polygon
SIDE = 0.02 / 3


@pytest.fixture
def ground(transactional_db):
    return contest_ground(cells=3)


def open_contest(page, site, ground, view=f"?lon={START[0]}&lat={START[1]}"):
    """Signed in, on the map: by default as the public map's card leads there, its polygon chosen."""
    sign_in(page, site, ground["reviewer"])
    page.goto(f"{site}/signalements/nouveau/{view}")
    expect(page.locator(".habitat-layer canvas.leaflet-tile-loaded").first).to_be_visible()
    expect(page.locator("[data-map-loading]")).to_be_hidden()
    if view:
        expect(page.locator("[data-polygon]")).to_have_count(1)


def spot(page, lon, lat):
    """Where a position lies on the screen, while the map stands on START."""
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    (x0, y0), (x, y) = _pixels(*START), _pixels(lon, lat)
    return box["x"] + box["width"] / 2 + x - x0, box["y"] + box["height"] / 2 + y - y0


def _pixels(lon, lat):
    size = 256 * 2**ZOOM
    sine = math.sin(math.radians(lat))
    return (lon + 180) / 360 * size, (0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * size


def say_the_rest(page, code="G2.1"):
    page.locator("#id_proposed_type").fill(code)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("input[name=evidence_type][value=field_visit]").check()
    page.locator("#id_observed_on").fill(timezone.localdate().isoformat())
    page.locator("input[name=confidence][value='3']").check()


def send(page):
    page.locator("[data-send]").click()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_reviewer_contests_two_polygons_by_click_and_reads_the_receipt(
    site, new_page, ground, picture, width, height
):
    page = new_page(width=width, height=height)
    open_contest(page, site, ground)
    page.mouse.click(*spot(page, START[0], START[1] + SIDE))
    expect(page.locator("[data-polygon]")).to_have_count(2)
    expect(page.locator("path.chosen-polygon")).to_have_count(2)
    page.mouse.click(*spot(page, START[0], START[1] + SIDE))
    expect(page.locator("[data-polygon]")).to_have_count(1)
    expect(page.locator("input[name=error_type][value=attribute]")).to_be_checked()
    page.locator("[data-runner-up-choices] [data-runner-up]").first.click()
    expect(page.locator("#id_proposed_type")).to_have_value("G2.1 " + ground["habitats"]["G2.1"].label_fr)
    say_the_rest(page, "foret sempervirent")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-kind", "good")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=f"/tmp/E/form-{width}.png", full_page=True)
    picture(page, f"contest-{width}")
    assert problems_of(page) == []
    send(page)
    page.wait_for_url("**/envoye/")
    report = Report.objects.get()
    expect(page.locator("h1")).to_contain_text(str(report.pk))
    picture(page, f"contest-sent-{width}")
    assert problems_of(page) == []
    assert report.state == ReportState.SUBMITTED
    assert page.errors == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_an_outline_is_drawn_point_after_point_corrected_and_kept_in_the_draft(
    site, new_page, ground, picture, width, height
):
    page = new_page(width=width, height=height)
    open_contest(page, site, ground)
    page.locator("[data-mode=draw]").click()
    expect(page.locator("path.snap-outline").first).to_be_attached()
    west, south = START[0] - SIDE / 4, START[1] - SIDE / 4
    corners = [(west, south), (west + SIDE / 3, south), (west + SIDE / 3, south + SIDE / 3)]
    for corner in [*corners, (START[0], START[1] + SIDE)]:
        page.mouse.click(*spot(page, *corner))
    page.locator("[data-draw-undo]").click()
    picture(page, f"contest-drawing-{width}")
    page.locator("[data-draw-finish]").click()
    expect(page.locator("[data-drawn]")).to_be_visible()
    expect(page.locator("path.drawn-outline")).to_have_count(1)
    expect(page.locator("input[name=error_type][value=both]")).to_be_checked()
    page.locator("[data-outline-edit]").click()
    expect(page.locator(".marker-icon").first).to_be_visible()
    page.locator("[data-outline-edit]").click()
    say_the_rest(page)
    page.locator("[data-save]").click()
    expect(page.locator("[data-save-state]")).to_have_attribute("data-kind", "good")
    report = Report.objects.get()
    assert report.is_drawn
    assert report.geometry.num_coords == 4
    page.goto(f"{site}/signalements/{report.pk}/")
    expect(page.locator("path.drawn-outline")).to_have_count(1)
    page.screenshot(path=f"/tmp/E/drawn-{width}.png", full_page=True)
    send(page)
    page.wait_for_url("**/envoye/")
    assert Report.objects.get().state == ReportState.SUBMITTED
    assert page.errors == []
