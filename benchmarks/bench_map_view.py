"""The first view of the map in Chromium with an empty cache, until the tiles of the vintage are drawn.

`python benchmarks/bench_map_view.py http://127.0.0.1:8000/` measures a site that runs; without an address, a web server
on 100,000 synthetic polygons. Nothing but this machine is reached: the basemap is refused, as on a bad day.
"""

import json
import shutil
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks import ground

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VIEWS = 9
# Milliseconds since the navigation began, when every tile of the habitats on the page says that it is drawn.
WATCH = """
const look = () => {
  const tiles = [...document.querySelectorAll(".habitat-layer canvas")];
  const drawn = tiles.length > 0 && tiles.every((tile) => tile.classList.contains("leaflet-tile-loaded"));
  if (drawn) document.documentElement.dataset.drawnAt = performance.now();
  else requestAnimationFrame(look);
};
document.addEventListener("DOMContentLoaded", look);
"""


def measure(browser: "Browser", url: str) -> float:
    """Milliseconds of one first view."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    here = urlsplit(url).hostname
    context.route(lambda asked: urlsplit(asked).hostname != here, lambda route: route.abort())
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("html[data-drawn-at]", timeout=60_000)
    spent = float(page.get_attribute("html", "data-drawn-at"))
    context.close()
    return spent


def measure_views(url: str, what: str) -> None:
    """A few first views, each with an empty cache; the first of all warms the server and is not counted."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
        )
        spent = [measure(browser, url) for _view in range(VIEWS + 1)][1:]
        browser.close()
    ground.row(
        f"first map view in Chromium, {what}, median of {VIEWS}",
        "bioccia",
        ground.percentile(spent, 0.5),
        "ms",
        "< 1500 ms",
    )
    ground.row(f"first map view in Chromium, {what}, slowest", "bioccia", max(spent), "ms")
    print(json.dumps([round(value) for value in spent]), file=sys.stderr)


def main() -> None:
    if len(sys.argv) > 1:
        measure_views(sys.argv[1], "running site")
        return
    with ground.own_database():
        from benchmarks.mapped_region import mapped_region

        mapped_region()
        with ground.web_server(with_files=True) as port:
            measure_views(f"http://127.0.0.1:{port}/", "100,000 polygons")


if __name__ == "__main__":
    main()
