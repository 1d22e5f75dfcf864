"""What every test may ask for: a database, a broker, a worker, a web server, a browser; all of them real."""

import pytest
from django.utils import translation

from tests.parts import Parts

pytest_plugins = ["tests.fixtures_processes", "tests.fixtures_browser"]


@pytest.fixture(autouse=True)
def _language_of_the_site():
    """A page that a test asked for in English leaves the thread in English: the next test starts in French again."""
    translation.deactivate()


@pytest.fixture(scope="session")
def parts():
    """PostgreSQL and Redis of this session; a test may kill one, and must `revive` them."""
    parts = Parts()
    parts.revive()
    parts.prepare_template()
    yield parts
    parts.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(parts):
    """Start the cluster when the first test asks for a database."""


@pytest.fixture
def broker(parts, settings):
    """The address of an empty broker."""
    parts.revive()
    parts.empty_broker()
    return settings.REDIS_URL
