"""Fixtures: Chromium, and a page that reaches nothing but this machine."""

import shutil
from urllib.parse import urlsplit

import pytest

from bioccia.lifecycle.paths import REPOSITORY

OUTPUT = REPOSITORY / "tests" / "output"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--metrics-recording-only",
]
HERE = {"127.0.0.1", "localhost"}
# A busy machine is slow, not wrong.
PATIENCE_MS, ACTION_PATIENCE_MS = 20_000, 60_000


@pytest.fixture(scope="session")
def browser():
    """Chromium, once a session."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("Chromium is not installed: run `make test`, or `apt-get install chromium`.")
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    patch = pytest.MonkeyPatch()
    patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield chromium
        chromium.close()
    patch.undo()


@pytest.fixture
def new_page(browser):
    """Open a page of a size: `new_page(width=390, height=844)`; its `errors` list holds what the page complained of."""
    contexts = []

    def open_page(*, width=1280, height=800, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, locale="fr-FR", **options)
        context.route(lambda url: urlsplit(url).hostname not in HERE, lambda route: route.abort())
        context.set_default_timeout(ACTION_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: _note(page, message))
        return page

    yield open_page
    for context in contexts:
        context.close()


def _note(page, message) -> None:
    # A basemap that does not answer is expected: the page must stay usable.
    if message.type == "error" and "ERR_FAILED" not in message.text:
        page.errors.append(message.text)


@pytest.fixture
def page(new_page):
    """A page of 1280 x 800."""
    return new_page()


@pytest.fixture
def picture(request):
    """Keep a picture of a page under tests/output, named after the test: `picture(page, "map-1280")`."""
    OUTPUT.mkdir(exist_ok=True)

    def take(page, name):
        file = OUTPUT / f"{name}.png"
        page.screenshot(path=file)
        return file

    return take
