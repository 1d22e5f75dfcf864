import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import expect

from ml import actions
from ml.models import Run
from ml.states import RunState
from territories.states import Role
from tests import factories
from tests.browser.layout import width_of
from tests.browser.people import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.service]
SIZES = [(1280, 800), (390, 844)]
MEASURED = {"seconds": 3.2, "cpu_seconds": 5.1, "energy_wh": 0.04, "peak_rss_mb": 310.0}


@pytest.fixture
def engineer(transactional_db):
    factories.RegionFactory(simulated=True, years=[2023, 2024])
    return factories.person_with(Role.MODEL_ENGINEER)


def play_first_step(run):
    """What a worker writes: claimed, one step done, the next one begun."""
    claimed = actions.claim_run(run_id=run.pk, at=timezone.now())
    actions.start_step(run=claimed, name="freeze", position=0)
    with transaction.atomic():
        actions.finish_step(run=claimed, name="freeze", outputs={}, measured=MEASURED)
    actions.start_step(run=claimed, name="train", position=1)
    beat(claimed, done=3, total=8, progress=0.2)
    return claimed


def beat(run, **progress):
    actions.note_heartbeat(run=run, at=timezone.now(), message="", step="train", **progress)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_run_is_followed_live_to_its_end_without_reloading(live_web, new_page, engineer, picture, width, height):
    page = new_page(width=width, height=height)
    run = factories.RunFactory()
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/traitements/{run.pk}/")
    page.evaluate("window.stillHere = true")
    claimed = play_first_step(run)
    expect(page.locator("#run-progress")).to_contain_text("3 ")
    expect(page.locator(".run-progress__percent")).to_have_text("20 %")
    expect(page.locator("[data-run-words]")).not_to_be_empty()
    assert width_of(page) <= width
    picture(page, f"run-{width}")
    beat(claimed, done=8, total=8, progress=0.9)
    expect(page.locator(".run-progress__percent")).to_have_text("90 %")
    actions.finish_run(run=claimed, at=timezone.now(), result={})
    expect(page.locator("#run-progress")).not_to_have_attribute("hx-trigger", "every 2s")
    expect(page.locator("#run-actions .confirm")).to_have_count(0)
    assert page.evaluate("window.stillHere")
    assert page.errors == []


def test_a_failure_appears_with_its_way_out_on_the_page_that_follows(live_web, page, engineer, picture):
    run = factories.RunFactory()
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/traitements/{run.pk}/")
    claimed = play_first_step(run)
    actions.fail_run(run=claimed, at=timezone.now(), reason="stack/2024/s2.tif: no data value is set.")
    expect(page.get_by_role("alert")).to_contain_text("no data value is set")
    picture(page, "run-failed-1280")
    page.locator("#run-actions button").click()
    expect(page.locator(".notice--success")).to_be_visible()
    run.refresh_from_db()
    assert run.state == RunState.QUEUED


def test_a_year_is_started_then_stopped_after_a_confirmation(live_web, page, engineer, picture):
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/traitements/")
    picture(page, "runs-1280")
    page.locator("#id_year").select_option("2023")
    page.locator("#id_mode").select_option("frugal")
    page.locator("form[action$='/nouveau/'] button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("2023")
    stop = page.locator("form[action$='/arret/'] button")
    expect(stop).to_be_hidden()
    page.locator(".confirm summary").click()
    stop.click()
    expect(page.locator("form[action$='/reprise/'] button")).to_be_visible()
    assert Run.objects.get().state == RunState.STOPPED
    assert page.errors == []


def test_a_server_that_stops_answering_is_said_and_forgotten_when_it_answers_again(live_web, page, engineer):
    run = factories.RunFactory()
    play_first_step(run)
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/traitements/{run.pk}/")
    page.route("**/suivi/**", lambda route: route.abort())
    expect(page.locator("[data-run-offline]")).to_be_visible()
    page.unroute("**/suivi/**")
    expect(page.locator("[data-run-offline]")).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_list_of_runs_fits_a_phone(live_web, new_page, engineer, picture, width, height):
    page = new_page(width=width, height=height)
    play_first_step(factories.RunFactory())
    for trait in ("finished", "failed", "stopped"):
        factories.RunFactory(**{trait: True})
    sign_in(page, live_web, engineer)
    page.goto(f"{live_web}/traitements/")
    expect(page.locator("main tbody tr")).to_have_count(4)
    assert width_of(page) <= width
    picture(page, f"runs-open-{width}")
    assert page.errors == []
