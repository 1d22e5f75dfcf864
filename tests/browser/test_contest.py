import datetime
import math
from io import BytesIO

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from feedback.models import Report
from feedback.states import ReportState
from habitats.models import Polygon
from tests.browser.accessibility import problems_of
from tests.browser.layout import width_of
from tests.browser.people import sign_in
from tests.factories.consultation import Consultation
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
    assert width_of(page) <= width
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
    send(page)
    page.wait_for_url("**/envoye/")
    assert Report.objects.get().state == ReportState.SUBMITTED
    assert page.errors == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_polygon_of_the_commune_next_door_is_refused_in_words(site, new_page, ground, picture, width, height):
    page = new_page(width=width, height=height)
    open_contest(page, site, ground, view="")
    page.locator(".without-map summary").click()
    next_door = ground["polygons"][-1]
    page.locator("#id_number").fill(str(next_door.number))
    page.locator("[data-find]").click()
    expect(page.locator("[data-find-error]")).to_contain_text(ground["home"].name)
    page.locator("#id_number").fill("")
    page.locator("#id_lat").fill(f"{START[1]}".replace(".", ","))
    page.locator("#id_lon").fill(f"{START[0] + 0.02}")
    page.locator("#id_lon").press("Enter")
    expect(page.locator("[data-find-error]")).to_be_visible()
    expect(page.locator("[data-find-error]")).to_contain_text(ground["home"].name)
    expect(page.locator("[data-polygon]")).to_have_count(0)
    picture(page, f"contest-refused-{width}")
    assert problems_of(page) == []
    assert [error for error in page.errors if "403" not in error] == []


def test_by_keyboard_alone_a_polygon_is_chosen_from_the_list_around_the_middle(site, page, ground):
    open_contest(page, site, ground, view="")
    page.locator(".without-map summary").press("Enter")
    page.locator("[data-near-ask]").press("Enter")
    page.locator("[data-near-add]").first.press("Enter")
    expect(page.locator("[data-polygon]")).to_have_count(1)
    page.locator("[data-remove]").press("Enter")
    expect(page.locator("[data-polygon]")).to_have_count(0)
    page.locator("#map").press("Enter")
    expect(page.locator("[data-polygon]")).to_have_count(1)
    assert page.errors == []


def test_an_outline_is_drawn_by_keyboard(site, page, ground):
    open_contest(page, site, ground)
    page.locator("[data-mode=draw]").press("Enter")
    for arrow in ("", "ArrowRight", "ArrowDown"):
        if arrow:
            page.locator("#map").press(arrow)
            page.wait_for_timeout(500)  # the map slides to its place
        page.locator("#map").press("Enter")
    page.locator("[data-draw-finish]").press("Enter")
    expect(page.locator("path.drawn-outline")).to_have_count(1)
    page.locator("[data-outline-clear]").press("Enter")
    expect(page.locator("path.drawn-outline")).to_have_count(0)
    assert page.locator("[name=outline]").input_value() == ""


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_map_that_changed_meanwhile_shows_what_and_goes_on(site, new_page, ground, picture, width, height):
    page = new_page(width=width, height=height)
    open_contest(page, site, ground)
    say_the_rest(page)
    Polygon.objects.filter(pk=ground["polygons"][0].pk).update(version=2, habitat_type=ground["habitats"]["J1.2"])
    send(page)
    expect(page.locator(".chosen-polygon-line__changed")).to_contain_text("F6.1")
    expect(page.locator(".chosen-polygon-line__changed")).to_contain_text("J1.2")
    picture(page, f"contest-changed-{width}")
    assert problems_of(page) == []
    send(page)
    page.wait_for_url("**/envoye/")
    assert Report.objects.get().polygons.get().version_seen == 2


def test_what_is_missing_takes_the_focus_and_keeps_what_was_typed(site, page, ground, picture):
    open_contest(page, site, ground)
    page.locator("#id_comment").fill("Des cistes partout.")
    send(page)
    expect(page.locator("#field-proposed_type .errorlist")).to_be_visible()
    expect(page.locator("#id_proposed_type")).to_be_focused()
    expect(page.locator("#id_comment")).to_have_value("Des cistes partout.")
    picture(page, "contest-errors-1280")
    assert problems_of(page) == []


def test_a_lowered_stake_asks_whether_the_organisation_has_an_interest(site, page, ground, picture):
    Polygon.objects.filter(pk=ground["polygons"][0].pk).update(habitat_type=ground["habitats"]["E1.2"])
    open_contest(page, site, ground)
    expect(page.locator("[data-interest]")).to_be_hidden()
    say_the_rest(page)
    expect(page.locator("[data-interest]")).to_be_visible()
    page.locator("input[name=declares_interest][value=False]").check()
    picture(page, "contest-interest-1280")
    assert problems_of(page) == []
    send(page)
    page.wait_for_url("**/envoye/")
    assert Report.objects.get().declares_interest is False


def test_without_a_connection_the_report_is_kept_in_the_browser_and_taken_up_again(site, page, ground, picture):
    open_contest(page, site, ground)
    page.locator("#id_comment").fill("Au départ.")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-kind", "good")
    page.context.set_offline(True)
    say_the_rest(page)
    page.locator("#id_comment").fill("Écrit au fond du vallon.")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-kind", "wait")
    send(page)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-kind", "wait")
    picture(page, "contest-offline-1280")
    page.context.set_offline(False)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-kind", "good")
    assert Report.objects.get().comment == "Écrit au fond du vallon."


def test_a_server_that_fails_keeps_the_report_which_another_visit_takes_up(site, page, ground):
    open_contest(page, site, ground)
    page.route("**/signalements/nouveau/", lambda route: route.fulfill(status=503))
    page.locator("#id_comment").fill("Trois mots.")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-kind", "wait")
    page.unroute("**/signalements/nouveau/")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{site}/signalements/nouveau/")
    page.locator("[data-kept-resume]").click()
    expect(page.locator("#id_comment")).to_have_value("Trois mots.")
    expect(page.locator("[data-polygon]")).to_have_count(1)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-kind", "good")
    assert Report.objects.get().comment == "Trois mots."


def test_a_double_click_sends_one_report(site, page, ground):
    open_contest(page, site, ground)
    say_the_rest(page)
    page.locator("[data-send]").dblclick()
    page.wait_for_url("**/envoye/")
    assert Report.objects.count() == 1


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_my_reports_and_one_of_them_hold_on_a_desk_and_on_a_phone(site, new_page, ground, picture, width, height):
    page = new_page(width=width, height=height)
    sign_in(page, site, ground["reviewer"])
    page.goto(f"{site}/signalements/")
    expect(page.locator(".empty")).to_be_visible()
    picture(page, f"my-reports-empty-{width}")
    assert problems_of(page) == []
    open_contest_again(page, site)
    say_the_rest(page)
    send(page)
    page.wait_for_url("**/envoye/")
    for name, address in (("my-reports", "/signalements/"), ("report", f"/signalements/{Report.objects.get().pk}/")):
        page.goto(f"{site}{address}")
        expect(page.locator("[data-places-map] path").first).to_be_attached()
        page.wait_for_timeout(500)  # tiles of the small map
        assert width_of(page) <= width
        picture(page, f"{name}-{width}")
        assert problems_of(page) == []
    assert page.errors == []


def open_contest_again(page, site):
    page.goto(f"{site}/signalements/nouveau/?lon={START[0]}&lat={START[1]}")
    expect(page.locator("[data-polygon]")).to_have_count(1)


def test_a_photograph_goes_as_soon_as_it_is_chosen_and_can_be_taken_back(site, page, ground):
    open_contest(page, site, ground)
    photo = {"name": "lande.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    page.locator("#id_photo").set_input_files([photo, {**photo, "name": "b.txt", "buffer": b"no picture"}])
    expect(page.locator("[data-photo-list] li")).to_have_count(1)
    expect(page.locator("[data-photo-error]")).to_be_visible()
    expect(page.locator("[data-photo-list] img")).to_be_visible()
    page.locator("[data-photo-remove]").click()
    expect(page.locator("[data-photo-list] li")).to_have_count(0)
    assert Report.objects.get().attachments.count() == 0


def jpeg():
    content = BytesIO()
    Image.new("RGB", (60, 40), "green").save(content, "JPEG")
    return content.getvalue()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_report_reads_its_question_its_refusal_and_what_it_changed(
    site, new_page, transactional_db, picture, width, height
):
    there = Consultation()
    there.at = timezone.now() - datetime.timedelta(days=1)
    reports = {
        "question": there.asked(),
        "refused": there.rejected(there.polygon(1)),
        "accepted": there.accepted(there.polygon(2)),
    }
    page = new_page(width=width, height=height)
    sign_in(page, site, there.reviewer)
    for name, report in reports.items():
        page.goto(f"{site}/signalements/{report.pk}/")
        expect(page.locator("[data-places-map] path").first).to_be_attached()
        assert width_of(page) <= width
        picture(page, f"report-{name}-{width}")
        assert problems_of(page) == []
    assert page.errors == []
