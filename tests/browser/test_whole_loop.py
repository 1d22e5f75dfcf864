"""The loop with people, in the browser: relevé, report, decision, signature, corrected map, release, what it changed.

Each person has an own window; the workers' part is played in this process, and the simulated region lends its truth.
"""

import dataclasses
import datetime
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback import actions
from feedback.demo_accounts import open_demo_accounts, password_of, person_of
from feedback.models import Release, Report
from feedback.publication import play_publication
from feedback.simulated_interpreters import play_interpreters
from feedback.simulated_people import Ground, contestations_of
from feedback.states import CyclePhase, ReportState
from feedback.yearly_cycle import advance_cycle, planned_calendar
from habitats.importers.region_folder import import_region_folder
from habitats.mapping_year import play_run
from habitats.models import Polygon, Releve, Sample
from habitats.states import SampleOrigin
from territories.models import Territory
from territories.states import TerritoryKind
from tests.browser.layout import width_of
from tests.regions import simulated_folder

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.slow]
SIZES = [(1280, 900), (390, 844)]
YEAR = 2024
CAMPAIGN = "Campagne d'essai"
ROUND_NOW = {
    "draw_audit": -40,
    "map": -40,
    "rounds": [{"name": "M1", "opens": -10, "closes": 10, "grace": 1}],
    "prepare_release": 12,
}


class Stage:
    """A year whose round is open now."""

    def __init__(self, folder):
        self.now = timezone.now()
        self.region = import_region_folder(folder, at=self.now).region
        open_demo_accounts(at=self.now)
        self.ground = Ground(region=self.region, year=YEAR, seed=1, truth_dir=folder.parent / "truth")
        administrator, before = person_of("region"), self.now - datetime.timedelta(days=40)
        actions.fix_thresholds(
            region=self.region, year=YEAR, overall_accuracy=0.3, macro_f1=0.2, by=administrator, at=before
        )
        self.cycle = actions.start_cycle(
            region=self.region,
            year=YEAR,
            by=administrator,
            engineer=person_of("modele"),
            at=before,
            calendar=planned_calendar(self.now, ROUND_NOW),
            audit_size=60,
            seed=7,
            is_simulated=True,
        )
        self.advance()
        play_run(self.cycle.run_id)
        self.advance()
        assert self.cycle.phase == CyclePhase.HOLD_ROUNDS, self.cycle.waits_for

    def advance(self, days=0):
        self.cycle = advance_cycle(self.cycle.pk, at=self.now + datetime.timedelta(days=days))

    def contestation(self):
        """A polygon wrong as a whole in the department of the first reviewer, of no great stake."""
        home = Territory.objects.of_kind(TerritoryKind.DEPARTMENT).order_by("code").first()
        return next(
            one
            for one in contestations_of(self.ground)
            if one.whole and one.is_right and home.geometry.contains(one.outline.point_on_surface)
        )

    def measure_and_prepare(self):
        """The round closes, the audit is labelled blind and opened, the dossier prepared."""
        self.advance(days=10.5)
        play_interpreters(self.ground, self.now + datetime.timedelta(days=11))
        self.advance(days=12)
        assert self.cycle.phase == CyclePhase.COLLECT_SIGNATURES, self.cycle.waits_for
        return Release.objects.get()

    def publish(self, release):
        release.refresh_from_db()
        play_publication(release.run_id)
        self.advance(days=13)
        assert self.cycle.phase == CyclePhase.ENDED, self.cycle.waits_for

    def next_door(self):
        """A place of the neighbouring department."""
        return Territory.objects.of_kind(TerritoryKind.DEPARTMENT).order_by("code")[1].geometry.point_on_surface


@pytest.fixture
def stage(transactional_db, tmp_path, settings, tmp_path_factory):
    settings.FILES_DIR = tmp_path / "files"
    return Stage(simulated_folder(tmp_path_factory))


@pytest.fixture
def window(site, new_page):
    """A window of one invented person."""

    def open_window(mailbox, width, height):
        page = new_page(width=width, height=height)
        person = person_of(mailbox)
        page.goto(f"{site}/compte/login/")
        page.locator("#id_login").fill(person.email)
        page.locator("#id_password").fill(password_of(person.email))
        page.locator("main button[type=submit]").click()
        page.wait_for_url(re.compile(r"/(mon-travail/)?$"))
        return page

    return open_window


def campaign():
    """The relevés that this journey brings; the simulated partners hand in others."""
    return Releve.objects.filter(dataset__name=CAMPAIGN)


@dataclasses.dataclass
class Loop:
    """One journey at one width; each act is one of its methods."""

    site: str
    stage: Stage
    window: object
    picture: object
    width: int
    height: int

    def open(self, mailbox):
        return self.window(mailbox, self.width, self.height)

    def look(self, page, name):
        assert width_of(page) <= self.width, f"{page.url} scrolls sideways"
        self.picture(page, f"loop-{name}-{self.width}")

    def bring_a_releve(self, botanist, wrong, file):
        """A table with one wrong date: said by row and field, corrected on the page, submitted."""
        place = wrong.outline.point_on_surface
        header = "id_releve;date;observateurs;longitude;latitude;precision_m;habitat"
        file.write_text(f"{header}\nr1;31/02/{YEAR};A. Castèl;{place.x:.6f};{place.y:.6f};5;{wrong.proposed}\n")
        botanist.goto(f"{self.site}/releves/fichiers/")
        botanist.locator("#id_file").set_input_files(file)
        botanist.locator("#id_dataset").fill(CAMPAIGN)
        botanist.locator("main form button[type=submit]").click()
        expect(botanist.locator(".cell-field")).to_have_count(1)
        assert not campaign().exists()
        botanist.locator("[name='cell.2.date']").fill(f"12/05/{YEAR}")
        self.look(botanist, "releves")
        botanist.locator("form[action$='cellules/'] button[type=submit]").click()
        botanist.locator("form[action$='soumission/'] button[type=submit]").click()
        expect(botanist.locator(".notice--success").first).to_be_visible()
        assert campaign().submitted().count() == 1

    def judge_the_releve(self, validator):
        validator.goto(f"{self.site}/releves/validation/")
        expect(validator.locator(".data-table tbody tr").first).to_be_visible()
        releve = campaign().get()
        validator.goto(f"{self.site}/releves/{releve.uuid}/")
        validator.locator("#id_reason").fill("Le cortège est complet.")
        self.look(validator, "validation")
        validator.locator("form[action$='validation/'] button[type=submit]").click()
        expect(validator.locator("#judgements-title")).to_be_visible()
        assert Sample.objects.filter(key=f"releve:{releve.uuid}", retired_at=None).count() == 1

    def is_refused_next_door(self, reviewer):
        door = self.stage.next_door()
        reviewer.goto(f"{self.site}/signalements/nouveau/?lon={door.x}&lat={door.y}")
        expect(reviewer.locator("[data-polygon]")).to_have_count(0)
        expect(reviewer.locator("main")).to_contain_text(re.compile("hors de votre territoire|en dehors"))

    def contest(self, reviewer, wrong):
        place = wrong.outline.point_on_surface
        reviewer.goto(f"{self.site}/signalements/nouveau/?lon={place.x}&lat={place.y}")
        expect(reviewer.locator("[data-polygon]")).to_have_count(1)
        reviewer.locator("#id_proposed_type").fill(wrong.proposed)
        reviewer.keyboard.press("ArrowDown")
        reviewer.keyboard.press("Enter")
        reviewer.locator("input[name=evidence_type][value=field_visit]").check()
        reviewer.locator("#id_observed_on").fill(f"{YEAR}-06-15")
        reviewer.locator("input[name=confidence][value='3']").check()
        for interest in reviewer.locator("input[name=declares_interest][value=no]:visible").all():
            interest.check()
        reviewer.locator("#id_comment").fill("Vu sur place : <script>alert(1)</script>")
        self.look(reviewer, "contest")
        reviewer.locator("[data-send]").click()
        reviewer.wait_for_url("**/envoye/")
        return Report.objects.get()

    def decide(self, adjudicator, report):
        """Take, propose and, where one signature suffices, sign; else another adjudicator signs."""
        adjudicator.goto(f"{self.site}/bureau/{report.pk}/")
        adjudicator.locator("form[action*='prendre'] button").first.click()
        decision = adjudicator.locator("[data-decision]")
        expect(decision).to_be_visible()
        decision.locator("input[name=outcome][value=accepted]").check()
        adjudicator.locator("#id_reason_code").select_option("confused_habitats")
        expect(adjudicator.locator("#id_reply")).not_to_have_value("")
        expect(adjudicator.locator("[data-signatures]")).to_be_attached()
        self.look(adjudicator, "desk")
        adjudicator.locator(".desk-send button:visible").last.click()  # proposes only; the signature is another act
        expect(adjudicator.locator(".notice--success").first).to_be_visible()

    def sign_decision(self, report):
        """Another adjudicator where the proposal asks for it, else the proposer."""
        alone = not report.decisions.get().second_signature
        signer = self.open("arbitrage" if alone else "arbitrage2")
        signer.goto(f"{self.site}/bureau/{report.pk}/")
        signer.locator("form[action*='signature'] button").click()
        expect(signer.locator(".notice--success").first).to_be_visible()
        report.refresh_from_db()
        assert report.state == ReportState.ACCEPTED

    def read_the_corrected_map(self, reviewer, wrong):
        place, vintage = wrong.outline.point_on_surface, self.stage.ground.vintage
        corrected = Polygon.objects.filter(vintage=vintage, geometry__contains=place).get()
        assert corrected.habitat_type.code == wrong.proposed
        reviewer.goto(f"{self.site}/polygones/carte/?vintage={vintage.pk}&lon={place.x}&lat={place.y}")
        expect(reviewer.locator("#card-title")).to_contain_text(wrong.proposed)
        assert Sample.objects.filter(origin=SampleOrigin.REPORT, year=YEAR).count() == 1

    def sign_release(self, release):
        """Two people of two services, from what waits for them."""
        for mailbox in ("region", "region2"):
            signer = self.open(mailbox)
            signer.goto(f"{self.site}/mon-travail/")
            signer.locator(f"a[href$='/releases/dossiers/{release.pk}/']").first.click()
            for box in signer.locator(".consequences input[type=checkbox]").all():
                box.check()
            self.look(signer, f"sign-{mailbox}")
            signer.locator("form[action*='signature'] button[type=submit]").click()
            signer.wait_for_load_state("networkidle")
            assert signer.errors == []

    def read_what_changed(self, reviewer, report, wrong):
        reviewer.goto(f"{self.site}/signalements/{report.pk}/")
        for words in (f"{YEAR}.0", " ha", wrong.proposed, "<script>"):
            expect(reviewer.locator("main")).to_contain_text(words)
        self.look(reviewer, "changed")

    def download(self, visitor):
        visitor.goto(f"{self.site}/releases/{YEAR}.0/")
        with visitor.expect_download() as download:
            visitor.get_by_role("link", name="habitats.gpkg").click()
        assert download.value.path().stat().st_size > 0
        self.look(visitor, "release")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_report_corrects_the_map_and_its_author_reads_what_it_changed(
    site, stage, window, new_page, picture, tmp_path, width, height
):
    loop = Loop(site, stage, window, picture, width, height)
    wrong = stage.contestation()
    loop.bring_a_releve(loop.open("botaniste"), wrong, tmp_path / "campagne.csv")
    loop.judge_the_releve(loop.open("validation"))
    reviewer, adjudicator = loop.open("ddt"), loop.open("arbitrage")
    loop.is_refused_next_door(reviewer)
    report = loop.contest(reviewer, wrong)
    loop.decide(adjudicator, report)
    loop.sign_decision(report)
    loop.read_the_corrected_map(reviewer, wrong)

    release = stage.measure_and_prepare()
    loop.sign_release(release)
    stage.publish(release)

    loop.read_what_changed(reviewer, report, wrong)
    visitor = new_page(width=width, height=height)
    loop.download(visitor)
    assert [error for page in (reviewer, adjudicator, visitor) for error in page.errors if "403" not in error] == []
