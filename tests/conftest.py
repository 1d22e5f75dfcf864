"""What every test may ask for: a database, a broker, a worker, a web server, a browser; all of them real."""

import pytest

from tests.parts import Parts

pytest_plugins = ["tests.fixtures_processes", "tests.fixtures_browser"]


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
