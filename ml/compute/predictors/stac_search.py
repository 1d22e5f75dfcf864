"""Images of a place and a period, from a STAC catalogue."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pystac
import requests
from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from urllib3 import Retry

from ml.compute.predictors.errors import CatalogueError
from ml.compute.predictors.places import Bounds

RETRIES = 5
BACKOFF_S = 0.5
TIMEOUT_S = 60
TRANSIENT = (429, 500, 502, 503, 504)
PAGE_ITEMS = 100
# Levels were raised by 1000 from this processing baseline on, whatever the date of the image.
FIRST_SHIFTED_BASELINE = 4.0
BASELINES = ("s2:processing_baseline", "processing:version", "sentinel2:processing_baseline")
TILES = ("grid:code", "s2:mgrs_tile", "s2:tile", "mgrs:tile")
APPLIED = ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
_SECONDS_PER_DEGREE = 240.0


@dataclass(frozen=True)
class CatalogueQuery:
    """What is asked: bounds in longitude and latitude, days inclusive, cloud cover in percent."""

    api: str
    collection: str
    bounds: Bounds
    start: date
    end: date
    max_cloud_cover: float


def find_items(query: CatalogueQuery) -> list[pystac.Item]:
    """All items of a query, page after page, retried with growing pauses where the server is busy.

    Raises:
        CatalogueError: the catalogue does not answer, or has nothing.
    """
    # A POST that asks is as safe to send again as a GET.
    retry = Retry(total=RETRIES, backoff_factor=BACKOFF_S, status_forcelist=TRANSIENT, allowed_methods={"GET", "POST"})
    try:
        client = Client.open(query.api, stac_io=StacApiIO(timeout=TIMEOUT_S, max_retries=retry))
        search = client.search(
            method="GET",
            collections=[query.collection],
            bbox=query.bounds,
            datetime=f"{query.start.isoformat()}T00:00:00Z/{query.end.isoformat()}T23:59:59Z",
            limit=PAGE_ITEMS,
        )
        items = list(search.items())
    except (APIError, requests.RequestException, pystac.STACError, ValueError) as error:
        raise CatalogueError(
            f"{public_address(query.api)}: the catalogue does not answer as a STAC API ({_in_short(error)}); "
            "check the address and the network, then run again: what is written is not fetched again."
        ) from error
    clear = [item for item in items if _cloud_cover(item) <= query.max_cloud_cover]
    if not clear:
        raise CatalogueError(
            f"{public_address(query.api)}: the collection '{query.collection}' has {len(items)} images from "
            f"{query.start} to {query.end} there, none under {query.max_cloud_cover:g} % of cloud; "
            "widen the dates or 'max_cloud_cover', or correct 'collection'."
        )
    return clear


def by_solar_day(items: Iterable[pystac.Item], longitude: float) -> dict[date, list[pystac.Item]]:
    """Items by day of the sun over a place, oldest first; of a tile processed twice, only the newest baseline.

    Two items of one tile, day and baseline are both kept: they are two ends of one pass.
    """
    days: dict[date, list[pystac.Item]] = defaultdict(list)
    for item in items:
        if item.datetime is None:
            continue
        days[(item.datetime + timedelta(seconds=longitude * _SECONDS_PER_DEGREE)).date()].append(item)
    return {day: _newest(days[day]) for day in sorted(days)}


def _newest(items: Sequence[pystac.Item]) -> list[pystac.Item]:
    newest: dict[str, float] = {}
    for item in items:
        newest[_tile_of(item)] = max(newest.get(_tile_of(item), 0.0), baseline_of(item))
    kept = [item for item in items if baseline_of(item) == newest[_tile_of(item)]]
    return sorted(kept, key=lambda item: (_cloud_cover(item), item.id))


def scaling_of(item: pystac.Item, asset: str) -> tuple[float, float]:
    """Scale and offset from levels to reflectance.

    A catalogue that says it has taken the offset away is believed before its own `raster:bands`, which keep
    naming it; then come `raster:bands` (or STAC 1.1 bands), then the processing baseline.

    Args:
        item: an image of Sentinel-2 L2A.
        asset: the key of one of its bands.

    Returns:
        Reflectance = level x scale + offset.
    """
    extra = item.assets[asset].extra_fields
    band = next(iter(extra.get("raster:bands") or extra.get("bands") or [{}]))
    said = {**extra, **band}
    scale = float(said.get("scale", said.get("raster:scale", 1e-4)))
    if any(item.properties.get(key) is True for key in APPLIED):
        return scale, 0.0
    offset = said.get("offset", said.get("raster:offset"))
    if offset is not None:
        return scale, float(offset)
    return scale, -1000 * scale if baseline_of(item) >= FIRST_SHIFTED_BASELINE else 0.0


def baseline_of(item: pystac.Item) -> float:
    """The processing baseline, 0 where the item does not say."""
    for key in BASELINES:
        try:
            return float(item.properties[key])
        except (KeyError, TypeError, ValueError):
            continue
    return 0.0


def require_assets(items: Iterable[pystac.Item], assets: Sequence[str]) -> None:
    """Raise CatalogueError where an item lacks an asset that the recipe names."""
    for item in items:
        missing = [asset for asset in assets if asset not in item.assets]
        if missing:
            raise CatalogueError(
                f"{address_of(item)}: the image has no asset '{missing[0]}'; it has "
                f"{', '.join(sorted(item.assets))}. Correct the key 'bands' or 'mask'."
            )


def address_of(item: pystac.Item) -> str:
    """Where an item is described, without anything secret; its id where it does not say."""
    own = item.get_self_href()
    return public_address(own) if own else item.id


def item_as_input(item: pystac.Item, day: date, licence: str) -> dict[str, Any]:
    """An item, as the manifest names it."""
    return {
        "id": item.id,
        "address": address_of(item),
        "date": day.isoformat(),
        "baseline": baseline_of(item),
        "licence": licence,
    }


def public_address(address: str) -> str:
    """An address without user, password or signature."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _cloud_cover(item: pystac.Item) -> float:
    return float(item.properties.get("eo:cloud_cover") or 0.0)


def _tile_of(item: pystac.Item) -> str:
    return next((str(item.properties[key]) for key in TILES if key in item.properties), item.id)


def _in_short(error: Exception) -> str:
    """The first words of an error, without addresses: they may be signed."""
    words = [word for word in str(error).split() if "://" not in word and "?" not in word]
    return f"{type(error).__name__}: {' '.join(words)}"[:200].rstrip(": ")
