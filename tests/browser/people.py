"""People of the journeys."""

from tests import factories


def sign_in(page, address, person):
    """Sign a person in by the form."""
    page.goto(f"{address}/compte/login/")
    page.locator("#id_login").fill(person.email)
    page.locator("#id_password").fill(factories.PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"{address}/")
