"""A release through its pages: the gate, the dossier, two signatures, the publication, the downloads."""

import pytest
from playwright.sync_api import expect

from feedback.models import Release
from feedback.publication import play_publication
from feedback.release_folders import folder_of
from ml.compute.publishing import verify
from tests import factories
from tests.browser.layout import width_of
from tests.browser.people import sign_in
from tests.releases import administrators, correct, dropped_correction, published_release, ready_map

pytestmark = [pytest.mark.browser, pytest.mark.service]
SIZES = [(1280, 800), (390, 844)]


@pytest.fixture
def vintage(transactional_db, tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    return ready_map(tmp_path / "map")


def fits(page, width):
    assert width_of(page) <= width


def whole(page, picture, name):
    """A picture of the whole page."""
    page.set_viewport_size(
        {"width": page.viewport_size["width"], "height": page.evaluate("document.documentElement.scrollHeight")}
    )
    picture(page, name)


def tick_and_sign(page):
    for box in page.locator(".consequences input[type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="Sign").click()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_two_administrators_sign_and_everybody_downloads(site, new_page, vintage, picture, width, height):
    dropped_correction(vintage)
    correct(vintage, 1, "J1.1")
    first, second = administrators()
    page = new_page(width=width, height=height)
    sign_in(page, site, first)
    page.goto(f"{site}/releases/preparer/2024/")
    fits(page, width)
    picture(page, f"release-gate-{width}")
    page.locator("#id_acknowledges_dropped").check()
    page.locator("#prepare-title ~ form button").click()
    expect(page.locator(".hash--signed")).to_be_visible()
    release = Release.objects.get()
    expect(page.locator(".hash--signed")).to_have_text(release.dossier_sha256)
    fits(page, width)
    whole(page, picture, f"release-dossier-{width}")
    tick_and_sign(page)
    expect(page.locator(".signatures li")).to_have_count(1)

    other = new_page(width=width, height=height)
    sign_in(other, site, second)
    other.goto(f"{site}/releases/dossiers/{release.pk}/")
    tick_and_sign(other)
    expect(other.locator("#run-progress")).to_be_visible()
    fits(other, width)
    picture(other, f"release-publication-{width}")
    play_publication(Release.objects.get().run_id)
    other.reload()
    other.locator("main a.btn-primary").first.click()

    visitor = new_page(width=width, height=height)
    visitor.goto(f"{site}/releases/")
    picture(visitor, f"releases-{width}")
    visitor.get_by_role("link", name="2024.0").click()
    expect(visitor.locator("h1")).to_contain_text("2024.0")
    fits(visitor, width)
    with visitor.expect_download() as download:
        visitor.get_by_role("link", name="classes.tif").click()
    assert download.value.path().read_bytes() == (folder_of(release) / verify.CLASSES).read_bytes()
    whole(visitor, picture, f"release-{width}")
    for shown in (page, other, visitor):
        assert shown.errors == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_gate_that_blocks_says_what_to_do_and_sees_it_done(site, new_page, vintage, picture, width, height):
    report = factories.ReportFactory(round=vintage.region.rounds.get())
    page = new_page(width=width, height=height)
    sign_in(page, site, administrators()[0])
    page.goto(f"{site}/releases/preparer/2024/")
    expect(page.locator(".gate__line--bad")).to_have_count(1)
    whole(page, picture, f"release-gate-blocked-{width}")
    report.delete()
    page.evaluate("htmx.trigger('#gate-lines', 'refresh')")
    page.evaluate("htmx.ajax('GET', document.getElementById('gate-lines').getAttribute('hx-get'), '#gate-lines')")
    expect(page.locator(".gate__line--bad")).to_have_count(0)
    assert page.errors == []


def test_a_withdrawn_release_says_why_on_its_page(site, new_page, vintage, picture):
    published_release(vintage)
    page = new_page(width=390, height=844)
    sign_in(page, site, administrators()[0])
    page.goto(f"{site}/releases/2024.0/")
    page.locator("#moves-title ~ .actions details").last.locator("summary").click()
    page.locator("textarea[name=reason]").fill("La légende de deux habitats était inversée.")
    page.locator("textarea[name=reason] ~ button").click()
    expect(page.locator(".notice--error")).to_contain_text("inversée")
    expect(page.locator("#files-title")).to_have_count(0)
    fits(page, 390)
    picture(page, "release-withdrawn-390")
