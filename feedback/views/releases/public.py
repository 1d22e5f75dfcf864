"""Releases for everybody: the list, one release, its files."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from feedback import release_folders
from feedback.errors import ReleaseWithdrawnError
from feedback.forms.releases import ReasonForm
from feedback.models import ReleaseFile
from feedback.publication.draft import smallest_scale
from feedback.queries import releases as queries
from feedback.states import ReleaseState
from feedback.views.releases.words import accuracy_rows, citation, file_lines, tag_of_release
from habitats.models import Vintage
from habitats.states import VintageState
from territories.permissions import may_everywhere

# A file of a release never changes; a day, because the release may be withdrawn.
CACHE = "public, max-age=86400"
CHUNK_BYTES = 1 << 18
ONE_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@require_safe
@never_cache
def release_list(request: HttpRequest) -> HttpResponse:
    """Every release ever published, the latest first; for administrators, the years that wait for one."""
    may_release = may_everywhere(request.user, "release", on=timezone.localdate())
    public = queries.releases_for_lists().public()
    lines = [{"release": release, "tag": tag_of_release(release)} for release in public]
    context = {"lines": lines, "may_release": may_release}
    if may_release:
        context["working"] = Vintage.objects.filter(state=VintageState.WORKING).order_by("-year")
        under_way = queries.releases_for_lists().under_way()
        context["under_way"] = [{"release": release, "tag": tag_of_release(release)} for release in under_way]
    return render(request, "feedback/releases.html", context)


@require_safe
@never_cache
def release_page(request: HttpRequest, year: int, number: int) -> HttpResponse:
    """One release: what it is, how good, under which licence, and its files."""
    release = queries.public_release(year, number)
    if release is None:
        raise Http404
    assessment = release.dossier.get("audit", {}).get("assessment") or {}
    context = {
        "release": release,
        "tag": tag_of_release(release),
        "dossier": release.dossier,
        "assessment": assessment,
        "accuracy": accuracy_rows(assessment),
        "files": file_lines(release),
        "citation": citation(release),
        "scale": smallest_scale(release),
        "latest": queries.latest_release(year),
        "may_release": may_everywhere(request.user, "release", on=timezone.localdate()),
        "reason_form": ReasonForm(),
    }
    return render(request, "feedback/release.html", context)


@require_safe
def latest_release(request: HttpRequest, year: int, name: str = "") -> HttpResponse:  # noqa: ARG001 - Django passes it
    """The last release of a year, or one of its files."""
    release = queries.latest_release(year)
    if release is None:
        raise Http404
    if name:
        return redirect("feedback:release-file", year=year, number=release.number, name=name)
    return redirect("feedback:release", year=year, number=release.number)


@require_safe
def release_file(request: HttpRequest, year: int, number: int, name: str) -> HttpResponseBase:
    """One file of a release, whole or by one range of bytes; 410 with the reason where it was withdrawn."""
    release = queries.public_release(year, number)
    if release is None:
        raise Http404
    if release.state == ReleaseState.WITHDRAWN:
        raise ReleaseWithdrawnError(
            _("Release %(release)s was withdrawn: %(reason)s") % {"release": release, "reason": release.ended_reason}
        )
    file = get_object_or_404(ReleaseFile, release=release, name=name)
    response = _answer(request, file, release_folders.path_of(release, name))
    response["ETag"] = f'"{file.sha256}"'
    response["Cache-Control"] = CACHE
    response["Accept-Ranges"] = "bytes"
    response["Access-Control-Allow-Origin"] = "*"  # open data: any page may read it by ranges
    return response


def _answer(request: HttpRequest, file: ReleaseFile, path: Path) -> HttpResponseBase:
    if file.sha256 in {
        known.removeprefix("W/").strip('"') for known in parse_etags(request.headers.get("If-None-Match", ""))
    }:
        return HttpResponseNotModified()
    asked = ONE_RANGE.fullmatch(request.headers.get("Range", ""))
    is_same = request.headers.get("If-Range", f'"{file.sha256}"') == f'"{file.sha256}"'
    if asked is None or asked[0] == "bytes=-" or not is_same:
        # Under its own name: `sha256sum -c` looks for that one.
        return FileResponse(path.open("rb"), as_attachment=True, filename=file.name, content_type=file.media_type)
    return _partial(asked, file, path)


def _partial(asked: re.Match[str], file: ReleaseFile, path: Path) -> HttpResponseBase:
    size = file.size_bytes
    if asked[1]:
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
    else:
        first, last = max(size - int(asked[2]), 0), size - 1
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = StreamingHttpResponse(_bytes(path, first, last), status=206, content_type=file.media_type)
    response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Content-Length"] = str(last - first + 1)
    return response


def _bytes(path: Path, first: int, last: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(first)
        left = last - first + 1
        while left and (chunk := stream.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
