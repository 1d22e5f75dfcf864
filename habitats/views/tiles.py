"""Vector tiles. A map asks for dozens at once: one question for the right to see, one for the tile."""

import gzip
import hashlib
from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from habitats import tiles
from habitats.models import Vintage
from habitats.states import VintageState
from territories.permissions import Person, may

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
# A published vintage changes only by being replaced; a working one may change with any decision.
PUBLISHED_CACHE = "public, max-age=600"
WORKING_CACHE = "private, max-age=0, must-revalidate"
# Level 4 halves the time of level 6 and gives files 3 % larger.
GZIP_LEVEL = 4


@require_safe
def vintage_tile(request: HttpRequest, vintage_id: int, z: int, x: int, y: int) -> HttpResponse:
    """A tile of a vintage; 404 where it is not published and the person has no mandate."""
    address = tiles.TileAddress(z, x, y)
    vintage = Vintage.objects.shown().only("state", "polygon_count", "area_m2").filter(pk=vintage_id).first()
    if vintage is None or not address.exists():
        return _nothing_there()
    is_published = vintage.state == VintageState.PUBLISHED
    if not is_published and not may(_person(request), "see_working_vintage", on=timezone.localdate()):
        return _nothing_there()
    response = _answer(request, tiles.vintage_tile(vintage, address))
    response["Cache-Control"] = PUBLISHED_CACHE if is_published else WORKING_CACHE
    if not is_published:
        patch_vary_headers(response, ["Cookie", "Authorization"])
    return response


def _person(request: HttpRequest) -> Person:
    """Who asks, by token or by session."""
    try:
        by_token = TokenAuthentication().authenticate(cast(Request, request))  # it reads the header only
    except AuthenticationFailed:
        by_token = None
    return by_token[0] if by_token else request.user


def _answer(request: HttpRequest, tile: bytes) -> HttpResponse:
    """The tile, or 304 where the client has these very bytes, or 204 where nothing is drawn."""
    etag = f'"{hashlib.blake2b(tile, digest_size=12).hexdigest()}"'
    if etag in {known.removeprefix("W/") for known in parse_etags(request.headers.get("If-None-Match", ""))}:
        response: HttpResponse = HttpResponseNotModified()
    elif not tile:
        response = HttpResponse(status=204)
    else:
        response = _tile_response(tile, is_zipped="gzip" in request.headers.get("Accept-Encoding", ""))
    response["ETag"] = etag
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _tile_response(tile: bytes, *, is_zipped: bool) -> HttpResponse:
    content = gzip.compress(tile, GZIP_LEVEL, mtime=0) if is_zipped else tile
    response = HttpResponse(content, content_type=MEDIA_TYPE, headers={"Content-Length": str(len(content))})
    if is_zipped:
        response["Content-Encoding"] = "gzip"
    return response


def _nothing_there() -> HttpResponse:
    return HttpResponse("No such tile.", status=404, content_type="text/plain")
