"""The decision desk in Chromium: two adjudicators, a proposal, its second signature, the map that changes."""

import datetime

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback import actions
from feedback.states import ReportState
from tests import factories
from tests.browser.people import sign_in
from tests.feedback.desk_ground import make_ground, send, small_square

pytestmark = pytest.mark.browser
SIZES = [(1280, 800), (390, 844)]


@pytest.fixture
def ground(transactional_db):
    return make_ground()


def in_days(days):
    return timezone.localdate() + datetime.timedelta(days=days)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_queue_fits_a_laptop_and_a_phone(site, new_page, ground, picture, width, height):
    page = new_page(width=width, height=height)
    send(ground, due_on=in_days(-3))
    send(ground, polygon=3, proposed=0, due_on=in_days(5), stake="fort")
    held = send(ground, polygon=1, proposed=2, due_on=in_days(8))
    actions.take_report(report=held, by=ground.second, at=timezone.now())
    sign_in(page, site, ground.adjudicator)
    page.goto(f"{site}/bureau/")
    expect(page.locator(".desk-lines tbody tr")).to_have_count(3)
    picture(page, f"desk-queue-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.errors == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_report_shows_all_that_a_decision_needs(site, new_page, ground, picture, width, height):
    page = new_page(width=width, height=height)
    report = send(ground, polygon=3, proposed=0, due_on=in_days(5), stake="fort")
    send(ground, polygon=1, proposed=2)
    actions.take_report(report=report, by=ground.adjudicator, at=timezone.now())
    sign_in(page, site, ground.adjudicator)
    page.goto(f"{site}/bureau/{report.pk}/")
    expect(page.locator(".desk-shape--contested")).to_have_count(1)
    page.get_by_label("accept", exact=False).first.check()
    page.wait_for_timeout(1500)
    picture(page, f"desk-report-{width}")
    page.screenshot(path=f"tests/output/desk-report-whole-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.errors == []
