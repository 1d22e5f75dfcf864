"""Files of reports, shown to who reads the report and to nobody else."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from feedback import storage
from feedback.actions.attachments import remove_attachment
from feedback.models import Attachment
from feedback.permissions import may_read
from feedback.pictures import PDF
from territories.permissions import SignedInRequest

HEADERS = {
    # Whatever a file holds, a browser runs nothing of it and asks nothing for it.
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=3600",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@login_required
@require_safe
def attachment(request: SignedInRequest, pk: int) -> FileResponse:
    """The file."""
    return file_answer(_readable(request, pk))


@login_required
@require_safe
def thumbnail(request: SignedInRequest, pk: int) -> FileResponse:
    """A small picture of it, for pages; documents have none."""
    found = _readable(request, pk)
    path = storage.thumbnail_path(found.file_name)
    if not path.exists():
        raise Http404
    return FileResponse(path.open("rb"), content_type="image/jpeg", headers=HEADERS)


@login_required
@require_POST
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a file back from a draft, and return to where the button was."""
    found = _readable(request, pk)
    remove_attachment(attachment=found, by=request.user, at=timezone.now())
    messages.success(request, _("The file is removed."))
    return redirect("feedback:report", pk=found.report_id)


def file_answer(found: Attachment) -> FileResponse:
    """The content under its cleaned name; a document is downloaded, never opened in the page."""
    path = storage.attachment_path(found.file_name)
    if not path.exists():
        raise Http404
    return FileResponse(
        path.open("rb"),
        as_attachment=found.media_type == PDF,
        filename=found.shown_name,
        content_type=found.media_type,
        headers=HEADERS,
    )


def _readable(request: HttpRequest, pk: int) -> Attachment:
    found = get_object_or_404(Attachment.objects.select_related("report__commune"), pk=pk)
    if not may_read(cast(SignedInRequest, request).user, found.report, timezone.localdate()):
        raise Http404
    return found
