"""A small STAC API on 127.0.0.1 with Sentinel-2 images made by the test, pages of two items, and failures on demand."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import rasterio
from rasterio.warp import transform_bounds
from shapely.geometry import box, mapping

PAGE = 2
CONFORMANCE = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]


class LocalCatalogue:
    """Items and files served; `failures` gives, for a path, the answers to give before the right one."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.items = []
        self.failures = {}
        self.asked = []
        self.address = ""

    def add_image(self, name, moment, bands, *, transform, crs="EPSG:32631", properties=None, raster_bands=None):
        """Add an image: for each asset, (rows, columns) levels on the same cells."""
        assets, bounds = {}, None
        for asset, levels in bands.items():
            path = self.folder / f"{name}_{asset}.tif"
            bounds = write_levels(path, levels, transform, crs)
            extra = {"raster:bands": [raster_bands]} if raster_bands and asset != "scl" else {}
            assets[asset] = {"href": f"{{address}}/files/{path.name}?signature=secret", "type": "image/tiff", **extra}
        self.items.append(item(name, moment, assets, transform_bounds(crs, "EPSG:4326", *bounds), properties or {}))

    def answer(self, path, query):
        """The JSON of a path, or None."""
        if path == "/":
            return landing(self.address)
        if path.startswith("/collections/sentinel"):
            return collection(path.rsplit("/", 1)[1], self.address)
        return self.search(query) if path == "/search" else None

    def search(self, query):
        start, end = (moment[:10] for moment in query["datetime"][0].split("/"))
        found = [one for one in self.items if start <= one["properties"]["datetime"][:10] <= end]
        first = int(query.get("from", ["0"])[0])
        page = json.loads(json.dumps(found[first : first + PAGE]).replace("{address}", self.address))
        links = []
        if first + PAGE < len(found):
            following = {key: values[0] for key, values in query.items()} | {"from": first + PAGE}
            links.append({"rel": "next", "href": f"{self.address}/search?{urlencode(following)}"})
        return {"type": "FeatureCollection", "features": page, "links": links}


def write_levels(path, levels, transform, crs):
    levels = np.asarray(levels)
    dtype = "uint8" if path.stem.endswith("scl") else "uint16"
    profile = {"driver": "GTiff", "width": levels.shape[1], "height": levels.shape[0], "count": 1, "dtype": dtype}
    tiles = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"}
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=0, **profile, **tiles) as target:
        target.write(levels.astype(dtype), 1)
        return target.bounds


def item(name, moment, assets, bounds, properties):
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "sentinel-2-l2a",
        "geometry": mapping(box(*bounds)),
        "bbox": list(bounds),
        "properties": {"datetime": moment, **properties},
        "assets": assets,
        "links": [{"rel": "self", "href": f"{{address}}/collections/sentinel-2-l2a/items/{name}"}],
    }


def landing(address):
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "local",
        "description": "A small catalogue",
        "conformsTo": CONFORMANCE,
        "links": [
            {"rel": "self", "href": f"{address}/"},
            {"rel": "root", "href": f"{address}/"},
            {"rel": "search", "href": f"{address}/search", "type": "application/geo+json", "method": "GET"},
            {"rel": "data", "href": f"{address}/collections"},
        ],
    }


def collection(name, address):
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": name,
        "description": "Images",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2015-01-01T00:00:00Z", None]]},
        },
        "links": [{"rel": "self", "href": f"{address}/collections/{name}"}],
    }


class Handler(BaseHTTPRequestHandler):
    """Answers from the catalogue of its server."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        catalogue, parts = self.server.catalogue, urlsplit(self.path)
        catalogue.asked.append(parts.path)
        if catalogue.failures.get(parts.path):
            self.say(catalogue.failures[parts.path].pop(0), b"{}", {})
        elif parts.path.startswith("/files/"):
            self.send_part(catalogue.folder / Path(parts.path).name)
        else:
            content = catalogue.answer(parts.path, parse_qs(parts.query))
            body = json.dumps(content or {}).encode()
            self.say(200 if content else 404, body, {"Content-Type": "application/geo+json"})

    def send_part(self, path):
        if not path.is_file():
            self.say(404, b"", {})
            return
        content = path.read_bytes()
        first, last = 0, len(content) - 1
        asked = self.headers.get("Range")
        headers = {"Accept-Ranges": "bytes"}
        if asked:
            low, _, high = asked.removeprefix("bytes=").partition("-")
            first, last = int(low), min(int(high or last), last)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self.say(206 if asked else 200, content[first : last + 1], headers)

    def say(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *words):
        """Keep the test's output quiet."""


@contextmanager
def served(catalogue):
    """The catalogue, answering at its `address`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.catalogue = catalogue
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    catalogue.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield catalogue
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
