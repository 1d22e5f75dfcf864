import datetime

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from habitats import actions
from habitats.models import Releve, Sample
from species.states import Diffusion
from territories.states import Role
from tests import factories
from tests.browser.accessibility import problems_of
from tests.browser.layout import width_of
from tests.browser.people import sign_in
from tests.factories import releve_facts, spot
from tests.habitats.releve_files import releve_rows, write_text

pytestmark = [pytest.mark.browser, pytest.mark.service]
SIZES = [(1280, 800), (390, 844)]


@pytest.fixture
def people(mapped_region):
    """A botanist, and a validator of another organisation."""
    found = {}
    names = {Role.BOTANIST: "Bureau d'études Cistus et associés", Role.VALIDATOR: "Conservatoire botanique national"}
    for role, name in names.items():
        person = factories.person_with(role, mapped_region["communes"][0].parent)
        person.organisation = factories.OrganisationFactory(name=name)
        person.save()
        found[role] = person
    return found


def fits(page, width):
    assert width_of(page) <= width
    assert page.errors == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_file_is_sent_corrected_submitted_and_judged(live_web, new_page, people, picture, tmp_path, width, height):
    page = new_page(width=width, height=height)
    sign_in(page, live_web, people[Role.BOTANIST])
    _send_a_file(page, live_web, write_text(tmp_path / "campagne.csv", _campaign()), picture, width)
    assert Releve.objects.submitted().count() == 3
    judge = new_page(width=width, height=height)
    sign_in(judge, live_web, people[Role.VALIDATOR])
    _judge(judge, live_web, picture, width)
    assert Sample.objects.filter(key__startswith="releve:").count() == 3


def _campaign():
    return releve_rows(
        {"date": "31/02/2024"}, {"longitude": "2,3061", "habitat": "F6.1"}, {"latitude": "43,6072", "habitat": "E9.9"}
    )


def _send_a_file(page, address, path, picture, width):
    page.goto(f"{address}/releves/fichiers/")
    fits(page, width)
    picture(page, f"releves-send-{width}")
    page.locator("#id_file").set_input_files(path)
    page.locator("#id_dataset").fill("Campagne des coteaux 2024")
    page.locator("#id_diffusion").select_option(Diffusion.PRECISE)
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".cell-field")).to_have_count(2)
    fits(page, width)
    picture(page, f"releves-errors-{width}")
    page.locator("[name='cell.2.date']").fill("12/05/2024")
    page.locator("[name='cell.4.habitat']").fill("G2.1")
    page.locator("form[action$='cellules/'] button[type=submit]").click()
    expect(page.locator(".releve-mark")).to_have_count(3)
    fits(page, width)
    picture(page, f"releves-preview-{width}")
    page.locator("form[action$='soumission/'] button[type=submit]").click()
    expect(page.locator(".data-table tbody tr")).to_have_count(3)
    fits(page, width)
    picture(page, f"releves-list-{width}")


def _judge(page, address, picture, width):
    page.goto(f"{address}/releves/validation/")
    expect(page.locator(".data-table tbody tr")).to_have_count(3)
    fits(page, width)
    picture(page, f"releves-desk-{width}")
    page.locator(".data-table tbody th a").first.click()
    page.locator("#id_reason").fill("Photographies nettes, cortège complet")
    fits(page, width)
    page.locator("form[action$='validation/'] button[type=submit]").click()
    expect(page.locator("#judgements-title")).to_be_visible()
    expect(page.locator("main")).to_contain_text("cortège complet")
    picture(page, f"releves-one-{width}")
    page.goto(f"{address}/releves/validation/")
    for box in page.locator("[data-tick]").all():
        box.check()
    page.locator("#id_reason").fill("Même série, même équipe")
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".empty__title")).to_be_visible()
    fits(page, width)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_releve_is_placed_by_a_click_and_named_by_its_beginning(live_web, new_page, people, picture, width, height):
    page = new_page(width=width, height=height)
    sign_in(page, live_web, people[Role.BOTANIST])
    page.goto(f"{live_web}/releves/nouveau/")
    page.locator("[data-releve-map]").click(position={"x": 60, "y": 200})
    assert page.locator("#id_longitude").input_value()
    page.locator("#id_longitude").fill("2,305")
    page.locator("#id_latitude").fill("43.605")
    page.locator("#id_latitude").blur()
    page.locator("#id_habitat_0").press_sequentially("E1")
    expect(page.locator("#id_habitat_0-habitats option")).to_have_count(1)
    page.locator("#id_habitat_0").fill("E1.2")
    page.locator("#id_observed_on").fill((timezone.localdate() - datetime.timedelta(days=3)).isoformat())
    page.locator("#id_dataset").fill("Sorties du dimanche")
    fits(page, width)
    picture(page, f"releves-form-{width}")
    page.locator("button[name=submit]").click()
    expect(page.locator("#judgements-title")).to_be_visible()
    assert Releve.objects.submitted().get().geometry.coords == (2.305, 43.605)


def test_the_form_works_without_scripts(live_web, new_page, people):
    page = new_page(java_script_enabled=False)
    sign_in(page, live_web, people[Role.BOTANIST])
    page.goto(f"{live_web}/releves/nouveau/")
    for name, text in (("longitude", "2.305"), ("latitude", "43.605"), ("habitat_0", "F6.1"), ("dataset", "Essai")):
        page.locator(f"#id_{name}").fill(text)
    page.locator("button[name=keep]").click()
    expect(page).not_to_have_url(f"{live_web}/releves/nouveau/")
    assert Releve.objects.get().determinations.get().cited_code == "F6.1"


def test_a_syntaxon_waits_for_its_correspondence(live_web, page, people, mapped_region, picture):
    botanist = people[Role.BOTANIST]
    legend = mapped_region["habitats"]
    factories.crosswalk_to(legend[0], legend[1], code="Xerobromion", typology="PVF2")
    now = timezone.now()
    dataset = actions.store_releve_dataset(name="Campagne", by=botanist, at=now, diffusion=Diffusion.PRECISE)
    facts = releve_facts(geometry=spot(), habitats=(actions.CitedHabitat("PVF2", "Xerobromion"),))
    actions.import_releves(dataset=dataset, facts=[facts], by=botanist, at=now)
    sign_in(page, live_web, people[Role.VALIDATOR])
    page.goto(f"{live_web}/releves/{Releve.objects.get().uuid}/")
    picture(page, "releves-syntaxon-1280")
    page.locator("form[action*='/habitats/'] select").select_option(str(legend[1].pk))
    page.locator("form[action*='/habitats/'] button").click()
    expect(page.locator("main")).to_contain_text(legend[1].code)
    fits(page, 1280)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_on_these_pages_keeps_anybody_out(live_web, new_page, people, tmp_path, width, height):
    now = timezone.now()
    botanist = people[Role.BOTANIST]
    dataset = actions.store_releve_dataset(name="Campagne", by=botanist, at=now, diffusion=Diffusion.PRECISE)
    actions.import_releves(dataset=dataset, facts=[releve_facts()], by=botanist, at=now)
    page = new_page(width=width, height=height)
    sign_in(page, live_web, botanist)
    page.goto(f"{live_web}/releves/fichiers/")
    page.locator("#id_file").set_input_files(write_text(tmp_path / "campagne.csv", _campaign()))
    page.locator("#id_dataset").fill("Campagne")
    page.locator("main form button[type=submit]").click()
    assert problems_of(page) == []
    for path in ("", "nouveau/", "fichiers/", f"{Releve.objects.get().uuid}/"):
        page.goto(f"{live_web}/releves/{path}")
        assert problems_of(page) == [], path
    page = new_page(width=width, height=height)
    sign_in(page, live_web, people[Role.VALIDATOR])
    for path in ("validation/", f"{Releve.objects.get().uuid}/"):
        page.goto(f"{live_web}/releves/{path}")
        assert problems_of(page) == [], path
