"""A file of relevés in two steps: sent and checked, then its errors corrected or its relevés submitted."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bioccia.errors import BiocciaError
from bioccia.tables import TableError
from habitats import actions, queries
from habitats.forms.releves import ReleveFileForm
from habitats.importers.releves import CheckedFile, check_releve_upload, submit_releve_upload
from habitats.models import ReleveUpload
from habitats.views.releve_map import releve_map
from territories.permissions import SignedInRequest, require

SHOWN_ERRORS = 200
SHOWN_RELEVES = 200
CELL_PREFIX = "cell."


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def send_file(request: SignedInRequest) -> HttpResponse:
    """The form of a file; one that is no table of relevés is refused here, with its reason."""
    require(request.user, "survey", on=timezone.localdate())
    form = ReleveFileForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return _form_page(request, form)
    if not form.is_valid():
        return _form_page(request, form, 422)
    try:
        upload = _kept(request, form)
    except BiocciaError as error:
        field = next((name for name in error.fields if name in form.fields), None)
        form.add_error(field or ("file" if isinstance(error, TableError) else None), str(error.detail))
        return _form_page(request, form, error.status)
    return redirect("habitats:releve-file", uuid=upload.uuid)


def _kept(request: SignedInRequest, form: ReleveFileForm) -> ReleveUpload:
    now, given = timezone.now(), form.cleaned_data
    dataset = actions.store_releve_dataset(name=given["dataset"], by=request.user, at=now, diffusion=given["diffusion"])
    upload = actions.keep_releve_upload(sent=given["file"], dataset=dataset, by=request.user, at=now)
    try:
        check_releve_upload(upload, by=request.user, at=now)
    except TableError:
        actions.forget_releve_upload(upload=upload, by=request.user, at=now)
        raise
    return upload


def _form_page(request: SignedInRequest, form: ReleveFileForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "datasets": queries.datasets_open_to(request.user)}
    return render(request, "habitats/releve_file_form.html", context, status=status)


@require_safe
@login_required
@never_cache
def file_page(request: SignedInRequest, uuid: str) -> HttpResponse:
    """What the file would bring: its errors by row and field, or its relevés on a map and in a table."""
    upload = _mine(request, uuid)
    checked = check_releve_upload(upload, by=request.user, at=timezone.now())
    context: dict[str, Any] = {"upload": upload, "checked": checked, "rest": len(checked.wrong) - SHOWN_ERRORS}
    context["wrong"] = checked.wrong[:SHOWN_ERRORS]
    if not checked.wrong:
        context |= _preview(checked)
    return render(request, "habitats/releve_file.html", context)


def _preview(checked: CheckedFile) -> dict[str, Any]:
    shown = list(checked.facts[:SHOWN_RELEVES])
    places = [(one.external_id or one.habitats[0].code, "", one.geometry) for one in shown]
    return {"releves": shown, "rest": len(checked.facts) - SHOWN_RELEVES, "map_settings": releve_map(places)}


@require_POST
@login_required
def correct_file(request: SignedInRequest, uuid: str) -> HttpResponse:
    """Keep the cells typed in place of wrong ones, and check again."""
    cells = {
        name.removeprefix(CELL_PREFIX): str(text) for name, text in request.POST.items() if name.startswith(CELL_PREFIX)
    }
    actions.correct_cells(upload=_mine(request, uuid), cells=cells, by=request.user, at=timezone.now())
    return redirect("habitats:releve-file", uuid=uuid)


@require_POST
@login_required
def submit_file(request: SignedInRequest, uuid: str) -> HttpResponse:
    """Submit the relevés of a file, all or none."""
    try:
        stored = submit_releve_upload(upload=_mine(request, uuid), by=request.user, at=timezone.now())
    except TableError as error:
        messages.error(request, str(error.detail))
        return redirect("habitats:releve-file", uuid=uuid)
    said = ngettext("%(count)s relevé submitted.", "%(count)s relevés submitted.", stored.created)
    messages.success(request, said % {"count": stored.created})
    if stored.updated:
        corrected = ngettext("%(count)s corrected.", "%(count)s corrected.", stored.updated)
        messages.info(request, corrected % {"count": stored.updated})
    elif not stored.created:
        messages.info(request, _("Every relevé of this file was there already: nothing has changed."))
    return redirect("habitats:releve-list")


@require_POST
@login_required
def abandon_file(request: SignedInRequest, uuid: str) -> HttpResponse:
    """Remove a file that will not be submitted."""
    actions.forget_releve_upload(upload=_mine(request, uuid), by=request.user, at=timezone.now())
    messages.success(request, _("The file is removed; none of its relevés was saved."))
    return redirect("habitats:releve-list")


def _mine(request: SignedInRequest, uuid: str) -> ReleveUpload:
    return get_object_or_404(ReleveUpload.objects.select_related("dataset"), uuid=uuid, uploaded_by=request.user)
