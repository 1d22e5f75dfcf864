"""WCAG 2.1 AA on every page that a person of each role reaches by links, at two widths.

The pages are found by following links from the map, so that a page that is added is looked at without a word here.
"""

import html
import re
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from feedback.states import ReportState
from territories.states import Role
from tests import factories
from tests.browser.accessibility import problems_of
from tests.browser.layout import width_of
from tests.browser.people import sign_in
from tests.feedback import desk_ground

pytestmark = [pytest.mark.browser, pytest.mark.service, pytest.mark.slow]
WIDTHS = (1280, 390)
# Machine answers, and pages of Django's and of the API's documentation, which are not ours.
NOT_OURS = ("/api/", "/admin/", "/static/", "/tiles/", "/metrics", "/healthz", "/readyz", "/pieces/")
MOST_PAGES = 60
ROLES = [None, *Role]


@pytest.fixture
def ground(transactional_db):
    """A map that was published, one that is contested, reports in every state, a run, people."""
    ground = desk_ground.make_ground()
    published = factories.VintageFactory(region=ground.vintage.region, year=2023, published=True)
    for column, habitat in enumerate(ground.habitats):
        outline = factories.square(column, 0, side=0.004)
        factories.PolygonFactory(vintage=published, habitat_type=habitat, outline=outline, doubtful=True)
        factories.TerritoryStatisticFactory(vintage=published, territory=ground.commune, habitat_type=habitat)
    for state in (ReportState.SUBMITTED, ReportState.NEEDS_INFO, ReportState.REJECTED_SPEC):
        desk_ground.send(ground, state=state)
    factories.RunFactory(finished=True)
    factories.RunFactory(failed=True)
    factories.RoundFactory(planned=True, region=ground.vintage.region)
    return ground


def person_of(role, ground):
    """Somebody of the role, who also wrote a report where the role writes them."""
    if role is None:
        return None
    person = factories.person_with(role)
    if role == Role.REVIEWER:
        for state in (ReportState.SUBMITTED, ReportState.NEEDS_INFO, ReportState.REJECTED_SPEC):
            desk_ground.send(ground, author=person, state=state)
    return person


def pages_of(person):
    """One address for each page that links lead to, from the map on, by name and make-up of the page."""
    client = Client()
    if person:
        client.force_login(person)
    found, known, waiting = {}, set(), ["/"]
    while waiting and len(known) < MOST_PAGES:
        path = waiting.pop(0)
        name = name_of(path)
        if name is None or name in known:
            continue
        known.add(name)
        answer = client.get(path, follow=True)
        if not answer.streaming and "html" in answer["Content-Type"]:
            content = answer.content.decode()
            found[name, make_up_of(content)] = path
            waiting += [urljoin(path, link) for link in links_of(content)]
    return found


def make_up_of(content):
    """What a page is made of: two roles that are shown the same components need not both be looked at."""
    main = content.partition("<main")[2]
    return frozenset(re.findall(r'class="([^"]*)"', main))


def name_of(path):
    """The page behind an address; None where it is not one of ours."""
    place = urlsplit(path)
    if place.netloc or not place.path.startswith("/") or place.path.startswith(NOT_OURS):
        return None
    try:
        return resolve(place.path).view_name
    except Resolver404:
        return None


def links_of(page):
    """The addresses that a page links to."""
    return [html.unescape(link) for link in re.findall(r'<a\s[^>]*?href="([^"#]+)', page)]


def test_every_page_of_every_role_is_accessible(site, new_page, ground):
    found, looked_at = {}, set()
    for role in ROLES:
        person, page = person_of(role, ground), new_page()
        pages = {page_: path for page_, path in pages_of(person).items() if page_ not in looked_at}
        looked_at |= pages.keys()
        if person and pages:
            sign_in(page, site, person)
        for (name, _make_up), path in pages.items():
            page.goto(site + path)
            for width in WIDTHS:
                if problems := faults_of(page, width):
                    found[f"{name} {path} at {width} px, {role or 'visitor'}"] = problems
    assert found == {}


def faults_of(page, width):
    """What is wrong with a page at a width."""
    page.set_viewport_size({"width": width, "height": 844})
    faults = {re.sub(r"\s+", " ", fault)[:400] for fault in problems_of(page)}
    if width_of(page) > width:
        faults.add("sideways scroll")
    return sorted(faults)
