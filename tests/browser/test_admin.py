import re

import pytest
from playwright.sync_api import expect

from territories.models import Mandate
from tests import factories
from tests.browser.people import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.service]


def test_a_mandate_is_given_in_the_administration_under_the_pages_policy(live_web, page, mapped_region):
    administrator = factories.UserFactory(administrator=True)
    factories.UserFactory(email="botaniste@example.org", full_name="Nadège")
    page.goto(f"{live_web}/admin/")
    expect(page).to_have_url(re.compile("/compte/login/"))  # one door, with its limit of attempts and its second step
    sign_in(page, live_web, administrator)
    page.goto(f"{live_web}/admin/territories/mandate/add/")
    for field, text, found in (("user", "botaniste", "Nadège"), ("territory", "bois", "Bois-Joli")):
        page.locator(f".field-{field} .select2-selection").click()
        page.keyboard.type(text)
        # Until the search answers, the list shows a word of waiting, then everything.
        expect(page.locator("li.select2-results__option:not(.loading-results)", has_not_text=found)).to_have_count(0)
        page.locator("li.select2-results__option", has_text=found).click()
    page.locator("#id_role").select_option("botanist")
    page.locator("#id_starts_on").fill("01/01/2024")
    page.locator("[name=_save]").click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert Mandate.objects.get().territory.name == "Bois-Joli"
    page.goto(f"{live_web}/admin/territories/territory/{mapped_region['communes'][0].pk}/change/")
    expect(page.locator(".field-drawing svg")).to_be_visible()
    assert page.errors == []
