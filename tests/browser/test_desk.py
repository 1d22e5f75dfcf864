"""The decision desk in Chromium: two adjudicators, a proposal, its second signature, the map that changes."""

import datetime
import json

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from bioccia.lifecycle.paths import REPOSITORY
from feedback import actions
from feedback.models import Report
from feedback.states import DecisionResult, ReasonCode, ReportState
from habitats.models import Polygon
from territories.states import Role
from tests import factories
from tests.browser.layout import width_of
from tests.browser.people import sign_in
from tests.feedback.desk_ground import make_ground, send

pytestmark = pytest.mark.browser
SIZES = [(1280, 800), (390, 844)]
AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


@pytest.fixture
def ground(transactional_db):
    return make_ground()


def in_days(days):
    return timezone.localdate() + datetime.timedelta(days=days)


def take(report, person):
    return actions.take_report(report=report, by=person, at=timezone.now())


def propose(report, person):
    """A proposal that waits for somebody else: the stake of J1.2 is high."""
    line = take(report, person).polygons.get()
    proposal = actions.Proposal(
        outcome=ReportState.ACCEPTED,
        result=DecisionResult.ERROR_TO_CORRECT,
        reason_code=ReasonCode.CONFUSED_HABITATS,
        reply="Merci, la carte est corrigée.",
        to_type=report.proposed_type,
        seen=((line.number, line.version_seen),),
    )
    return actions.propose_decision(report=report, proposal=proposal, by=person, at=timezone.now())


def choose(page, **values):
    """Check the radios of the decision form."""
    for name, value in values.items():
        page.locator(f"[data-decision] input[name={name}][value={value}]").check()


def assert_fits(page, width):
    assert width_of(page) <= width
    assert page.errors == []


def faults(page):
    """What axe finds against WCAG 2.1 AA, in short."""
    page.add_script_tag(path=AXE)
    found = page.evaluate("tags => axe.run({runOnly: tags})", WCAG)["violations"]
    return json.dumps([(each["id"], [node["target"] for node in each["nodes"]][:4]) for each in found])


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_queue_fits_a_laptop_and_a_phone(site, new_page, ground, picture, width, height):
    page = new_page(width=width, height=height, bypass_csp=True)
    send(ground, due_on=in_days(-3))
    send(ground, polygon=3, proposed=0, due_on=in_days(5), stake="fort")
    take(send(ground, polygon=1, proposed=2, due_on=in_days(8)), ground.second)
    sign_in(page, site, ground.adjudicator)
    page.goto(f"{site}/bureau/")
    expect(page.locator(".desk-lines tbody tr")).to_have_count(3)
    picture(page, f"desk-queue-{width}")
    assert_fits(page, width)
    page.locator(".desk-fold summary").click()
    assert faults(page) == "[]"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_report_shows_all_that_a_decision_needs(site, new_page, ground, picture, width, height):
    page = new_page(width=width, height=height, bypass_csp=True)
    report = send(ground, polygon=3, proposed=0, due_on=in_days(5), stake="fort")
    send(ground, polygon=1, proposed=2)
    take(report, ground.adjudicator)
    sign_in(page, site, ground.adjudicator)
    page.goto(f"{site}/bureau/{report.pk}/")
    expect(page.locator(".desk-shape--contested")).to_have_count(1)
    expect(page.locator(".desk-shape--neighbour")).to_have_count(2)
    choose(page, outcome="accepted")
    expect(page.locator("[data-signatures]")).to_have_attribute("data-signatures", "2")
    expect(page.locator("[data-sign-too]")).to_be_hidden()
    picture(page, f"desk-report-{width}")
    page.locator(".desk-effect").scroll_into_view_if_needed()
    picture(page, f"desk-decision-{width}")
    assert_fits(page, width)
    assert faults(page) == "[]"


def test_two_adjudicators_propose_and_sign_and_the_map_changes(site, new_page, ground, picture):
    first, second = new_page(), new_page(bypass_csp=True)
    report = send(ground, polygon=3, proposed=0, due_on=in_days(5), stake="fort")
    sign_in(first, site, ground.adjudicator)
    first.goto(f"{site}/bureau/")
    first.locator("form[action*='suivant'] button").click()
    expect(first.locator("[data-lock]")).to_be_visible()

    sign_in(second, site, ground.second)
    second.goto(f"{site}/bureau/{report.pk}/")
    expect(second.locator(".desk-lock--other")).to_contain_text(str(ground.adjudicator))
    expect(second.locator("[data-decision]")).to_have_count(0)

    choose(first, outcome="accepted")
    first.locator("#id_reason_code").select_option("confused_habitats")
    expect(first.locator("#id_reply")).not_to_have_value("")
    first.locator("#id_reply").fill("Merci : c'est bien une pelouse.")
    # Two signatures are needed: the button that also signs goes away once the effect is known.
    expect(first.locator("[data-signatures]")).to_have_attribute("data-signatures", "2")
    expect(first.locator("[data-sign-too]")).to_be_hidden()
    first.locator(".desk-send button:visible").first.click()
    expect(first.locator(".notice--success")).to_be_visible()
    assert Report.objects.get().state == ReportState.DECISION_PROPOSED

    second.goto(f"{site}/bureau/?tab=a-signer")
    second.locator(".desk-lines tbody a").click()
    second.locator("input[name=moment][value=after]").check()
    expect(second.locator(".desk-name--contested", has_text="E1.2")).to_be_visible()
    picture(second, "desk-signature-1280")
    assert faults(second) == "[]"
    second.locator("form[action*='signature'] button").click()
    expect(second.locator(".notice--success")).to_be_visible()
    polygon = Polygon.objects.get(vintage=ground.vintage, number=ground.polygons[3].number)
    assert polygon.habitat_type.code == "E1.2"

    place = ground.polygons[3].geometry.centroid
    first.goto(f"{site}/polygones/carte/?vintage={ground.vintage.pk}&lon={place.x}&lat={place.y}")
    expect(first.locator("#card-title")).to_contain_text("E1.2")
    assert first.errors == []


def test_a_lock_lost_while_typing_is_said_and_the_text_stays(site, page, ground, picture):
    report = take(send(ground), ground.adjudicator)
    sign_in(page, site, ground.adjudicator)
    page.clock.install()
    page.goto(f"{site}/bureau/{report.pk}/")
    choose(page, outcome="accepted")
    page.locator("#id_reply").fill("Un long texte, soigné.")
    Report.objects.filter(pk=report.pk).update(locked_until=timezone.now() - datetime.timedelta(minutes=1))
    take(report, ground.second)
    page.clock.run_for(62_000)
    expect(page.locator("[data-lock-lost]")).to_contain_text(str(ground.second))
    expect(page.locator("#id_reply")).to_have_value("Un long texte, soigné.")
    picture(page, "desk-lost-1280")
    page.reload()
    expect(page.locator(".desk-lock--other")).to_be_visible()


def test_an_outline_drawn_on_the_map_cuts_the_polygon(site, new_page, ground, picture):
    page = new_page(reduced_motion="reduce")  # the map comes into sight at once, and stays where it is measured
    report = take(send(ground), ground.adjudicator)
    sign_in(page, site, ground.adjudicator)
    page.goto(f"{site}/bureau/{report.pk}/")
    choose(page, outcome="accepted")
    page.locator("[data-draw]").click()
    box = page.locator(".desk-shape--contested").bounding_box()
    left, top = box["x"], box["y"]
    right, bottom = left + box["width"] / 2, top + box["height"]
    for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        page.mouse.move(x, y, steps=4)
        page.mouse.click(x, y)
    page.locator("[data-draw-finish]").click()
    expect(page.locator("[data-drawn-mark]")).to_be_visible()
    expect(page.locator(".desk-changes li")).to_have_count(1)
    page.locator("#id_reason_code").select_option("missed_patch")
    picture(page, "desk-drawn-1280")
    page.locator("[data-sign-too]").click()
    expect(page.locator(".notice--success")).to_be_visible()
    kept = sum(Polygon.objects.filter(habitat_type=ground.habitats[0]).values_list("area_m2", flat=True))
    assert kept == pytest.approx(ground.polygons[0].area_m2 / 2, rel=0.05)
    assert page.errors == []


def test_letters_lead_through_the_queue_and_can_be_switched_off(site, page, ground):
    reports = [send(ground, polygon=number, proposed=3, due_on=in_days(number)) for number in range(3)]
    sign_in(page, site, ground.adjudicator)
    page.goto(f"{site}/bureau/{reports[1].pk}/?habitat=J1.2")
    page.keyboard.press("j")
    page.wait_for_url(f"{site}/bureau/{reports[2].pk}/?habitat=J1.2")
    page.keyboard.press("k")
    page.wait_for_url(f"{site}/bureau/{reports[1].pk}/?habitat=J1.2")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.locator("[data-keys-on]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.wait_for_timeout(300)
    assert page.url.endswith(f"/bureau/{reports[1].pk}/?habitat=J1.2")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_an_appeal_shows_the_decision_contested_first(site, new_page, ground, picture, width, height):
    author = factories.person_with(Role.REVIEWER)
    report = propose(send(ground, polygon=3, proposed=0, author=author), ground.adjudicator)
    actions.sign_decision(report=report, by=ground.second, at=timezone.now(), agrees=False, reason="Non.")
    proposal = actions.Proposal(
        outcome=ReportState.REJECTED_SPEC,
        result=DecisionResult.MISUNDERSTANDING,
        reason_code=ReasonCode.WITHIN_SPECIFICATION,
        reply="La carte suit ses définitions.",
        seen=tuple(report.polygons.values_list("number", "version_seen")),
    )
    now = timezone.now()
    actions.propose_decision(report=report, proposal=proposal, by=ground.adjudicator, at=now)
    actions.sign_decision(report=report, by=ground.second, at=now)
    actions.appeal_report(report=report, by=author, new_evidence="Relevé du 3 juin : 24 espèces.", at=now)
    page = new_page(width=width, height=height, bypass_csp=True)
    sign_in(page, site, factories.person_with(Role.APPEAL_PANEL))
    page.goto(f"{site}/bureau/")
    page.locator("form[action*='suivant'] button").click()
    expect(page.locator(".desk-appeal")).to_contain_text("24 espèces")
    picture(page, f"desk-appeal-{width}")
    assert_fits(page, width)
    assert faults(page) == "[]"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_release_administrator_reads_what_comes_back_and_closes_a_round(
    site, new_page, ground, picture, width, height
):
    report = propose(send(ground, polygon=3, proposed=0), ground.adjudicator)
    actions.sign_decision(report=report, by=ground.second, at=timezone.now())
    page = new_page(width=width, height=height, bypass_csp=True)
    sign_in(page, site, factories.person_with(Role.RELEASE_ADMINISTRATOR))
    page.goto(f"{site}/bureau/{report.pk}/")
    page.locator("details summary", has_text="…").click()
    page.locator("#revert-reason").fill("Le terrain dit l'inverse.")
    page.locator("#revert-reason").scroll_into_view_if_needed()
    picture(page, f"desk-revert-{width}")
    assert_fits(page, width)
    assert faults(page) == "[]"
    page.locator("form[action*='annulation'] button").click()
    expect(page.locator(".notice--success")).to_be_visible()
    page.goto(f"{site}/tournees/")
    page.locator(".round-plan summary").click()
    page.locator(".confirm summary").click()
    picture(page, f"rounds-{width}")
    assert faults(page) == "[]"
    page.locator("form[action*='fermeture'] button").click()
    expect(page.locator(".notice--success")).to_be_visible()
    picture(page, f"round-{width}")
    assert_fits(page, width)
    assert faults(page) == "[]"
