"""Relevés: one's list, the page of one, the form that makes or corrects one."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bioccia.errors import BiocciaError, NotAllowedError
from habitats import actions, queries
from habitats.forms.releves import CorrespondenceForm, JudgementForm, ReleveForm
from habitats.models import Determination, Releve, ReleveUpload
from habitats.permissions import may_change, may_judge
from habitats.queries.releve_places import single_point
from habitats.queries.resolution import HabitatResolver
from habitats.states import TRAINABLE_LEVELS, ReleveLevel, ReleveState, Resolution
from habitats.views.releve_map import releve_map
from territories.models import User
from territories.permissions import SignedInRequest, may, require

PER_PAGE = 30


def tag_of(releve: Releve) -> tuple[str, Any]:
    """The kind of tag and the words that say where a relevé stands."""
    if releve.state == ReleveState.DRAFT:
        return "plain", releve.get_state_display()
    if releve.is_stale:
        return "wait", _("changed since it was judged")
    kinds = {ReleveLevel.WAITING: "wait", ReleveLevel.DOUBTFUL: "bad", ReleveLevel.INVALID: "bad"}
    kind = "good" if releve.level in TRAINABLE_LEVELS else kinds.get(ReleveLevel(releve.level), "plain")
    return kind, releve.get_level_display()


@require_safe
@login_required
@never_cache
def releve_list(request: SignedInRequest) -> HttpResponse:
    """The relevés that the person may see: their own first, then those of their organisation and of their mandates."""
    today = timezone.localdate()
    mine = request.GET.get("de") != "tous"
    visible = queries.releves_visible_to(request.user, on=today)
    visible = visible.filter(author=request.user) if mine else visible
    page = Paginator(queries.with_determinations(visible), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "mine": mine,
        "lines": [{"releve": releve, "tag": tag_of(releve)} for releve in page],
        "uploads": ReleveUpload.objects.filter(uploaded_by=request.user).select_related("dataset"),
        "may_survey": may(request.user, "survey", on=today),
        "map_settings": releve_map(_places(page.object_list)) if page.object_list else None,
    }
    return render(request, "habitats/releve_list.html", context)


def _places(releves: Any) -> list[tuple[str, str, Any]]:
    """Those that may be placed, as precisely as the person may see them."""
    return [
        (str(releve), reverse("habitats:releve", args=[releve.uuid]), releve.place)
        for releve in releves
        if releve.place is not None
    ]


@require_safe
@login_required
@never_cache
def releve_page(request: SignedInRequest, uuid: str) -> HttpResponse:
    """One relevé: place, determinations, judgements so far, and what the person may do with it."""
    return _page(request, _visible(request, uuid))


def _visible(request: SignedInRequest, uuid: str) -> Any:
    visible = queries.releves_visible_to(request.user, on=timezone.localdate())
    return get_object_or_404(visible.select_related("sample", "commune"), uuid=uuid)


def _page(
    request: SignedInRequest, releve: Any, *, judgement: JudgementForm | None = None, status: int = 200
) -> HttpResponse:
    today = timezone.localdate()
    region = queries.region_or_error()
    judges = releve.state == ReleveState.SUBMITTED and may_judge(request.user, releve, on=today)
    changes = may_change(request.user, releve, on=today)
    determinations = list(releve.determinations.select_related("cited_type__typology", "resolved_type", "confirmed_by"))
    resolver = HabitatResolver(region.typology_code)
    chooses = judges or (changes and releve.level == ReleveLevel.WAITING)
    place = releve.place
    context = {
        "releve": releve,
        "tag": tag_of(releve),
        "determinations": [_line(one, resolver, chooses=chooses) for one in determinations],
        "species": list(releve.species.select_related("taxon")),
        "validations": list(releve.validations.select_related("by__organisation")),
        "obstacles": [obstacle.label for obstacle in queries.training_obstacles(releve, region=region)],
        "may_judge": judges,
        "may_change": changes,
        "may_interpret": may(request.user, "see_working_vintage", on=today),
        "judgement_form": (judgement or JudgementForm(initial=_seen(releve))) if judges else None,
        "point": single_point(place) if place is not None else None,
        "map_settings": releve_map([(str(releve), "", place)]) if place is not None else None,
    }
    return render(request, "habitats/releve.html", context, status=status)


def _seen(releve: Releve) -> dict[str, str]:
    """What the page shows, for the judgement to be about that."""
    return {"seen_at": releve.changed_at.isoformat()}


def _line(one: Determination, resolver: HabitatResolver, *, chooses: bool) -> dict[str, Any]:
    """A determination, with the choice of its correspondence where the person may make it."""
    form = None
    if chooses and one.cited_type and one.resolution != Resolution.EXACT:
        candidates = resolver.candidates(one.cited_type)
        form = CorrespondenceForm(candidates=candidates, auto_id=f"id_{one.pk}_%s") if candidates else None
    return {"one": one, "form": form}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_releve(request: SignedInRequest) -> HttpResponse:
    """The form of a new relevé: kept as a draft, or submitted at once."""
    require(request.user, "survey", on=timezone.localdate())
    form = ReleveForm(request.POST or None, initial=_habits(request.user))
    return _save(request, form, None) if request.method == "POST" else _form_page(request, form, None)


def _habits(person: User) -> dict[str, Any]:
    """What the person typed last time."""
    last = queries.releves_of(person).first()
    return {"dataset": last.dataset.name, "observers": last.observers} if last else {"observers": str(person)}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_releve(request: SignedInRequest, uuid: str) -> HttpResponse:
    """The form of a stored relevé."""
    releve = _visible(request, uuid)
    if not may_change(request.user, releve, on=timezone.localdate()):
        raise NotAllowedError(_("Only its author, or a colleague who surveys there, changes a relevé."))
    form = ReleveForm(request.POST or None, releve=releve)
    return _save(request, form, releve) if request.method == "POST" else _form_page(request, form, releve)


def _save(request: SignedInRequest, form: ReleveForm, releve: Releve | None) -> HttpResponse:
    if not form.is_valid():
        return _form_page(request, form, releve, status=422)
    now = timezone.now()
    try:
        dataset = (
            releve.dataset
            if releve
            else actions.store_releve_dataset(name=form.cleaned_data["dataset"], by=request.user, at=now)
        )
        saved = actions.save_releve(facts=form.facts(), dataset=dataset, by=request.user, at=now, releve=releve)
    except BiocciaError as error:
        return _refused(request, form, releve, error)
    if "submit" in request.POST and saved.state == ReleveState.DRAFT:
        try:
            actions.submit_releve(releve=saved, by=request.user, at=now)
        except BiocciaError as error:
            messages.warning(request, f"{_('The draft is kept.')} {error.detail}")
            return redirect("habitats:releve-edit", uuid=saved.uuid)
    messages.success(request, _said(saved, is_submitted="submit" in request.POST))
    return redirect("habitats:releve", uuid=saved.uuid)


def _said(saved: Releve, *, is_submitted: bool) -> str:
    if saved.is_stale:
        return _("Corrected. What a validator had judged has changed: the relevé waits for another look.")
    return _("The relevé is submitted: a validator will look at it.") if is_submitted else _("The relevé is saved.")


def _refused(request: SignedInRequest, form: ReleveForm, releve: Releve | None, error: BiocciaError) -> HttpResponse:
    known = {"habitat": "habitat_0"}
    fields = {known.get(name, name): message for name, message in error.fields.items()}
    for name, message in fields.items():
        form.add_error(name if name in form.fields else None, str(message))
    if not fields:
        form.add_error(None, str(error.detail))
    return _form_page(request, form, releve, status=error.status)


def _form_page(request: SignedInRequest, form: ReleveForm, releve: Any, status: int = 200) -> HttpResponse:
    places = [(str(releve), "", releve.geometry)] if releve else []
    context = {
        "form": form,
        "releve": releve,
        "datasets": queries.datasets_open_to(request.user),
        "map_settings": releve_map(places, picks=True),
    }
    return render(request, "habitats/releve_form.html", context, status=status)


@require_POST
@login_required
def submit_releve(request: SignedInRequest, uuid: str) -> HttpResponse:
    """Hand a draft to the validators."""
    releve = _visible(request, uuid)
    try:
        actions.submit_releve(releve=releve, by=request.user, at=timezone.now())
    except BiocciaError as error:
        messages.error(request, str(error.detail))
        return redirect("habitats:releve-edit", uuid=uuid)
    messages.success(request, _("The relevé is submitted: a validator will look at it."))
    return redirect("habitats:releve", uuid=uuid)


@require_POST
@login_required
def discard_releve(request: SignedInRequest, uuid: str) -> HttpResponse:
    """Remove a draft."""
    actions.discard_draft(releve=_visible(request, uuid), by=request.user, at=timezone.now())
    messages.success(request, _("The draft is removed."))
    return redirect("habitats:releve-list")


@require_POST
@login_required
def judge_releve(request: SignedInRequest, uuid: str) -> HttpResponse:
    """Give a relevé its level."""
    releve = _visible(request, uuid)
    form = JudgementForm(request.POST)
    if not form.is_valid():
        return _page(request, releve, judgement=form, status=422)
    judged = actions.validate_releve(releve=releve, **form.cleaned_data, by=request.user, at=timezone.now())
    messages.success(request, _("%(releve)s: %(level)s.") % {"releve": judged, "level": judged.get_level_display()})
    return redirect("habitats:releve", uuid=uuid)


@require_POST
@login_required
def choose_habitat(request: SignedInRequest, uuid: str, number: int) -> HttpResponse:
    """Confirm the correspondence of a cited habitat."""
    releve = _visible(request, uuid)
    one = get_object_or_404(releve.determinations.select_related("cited_type__typology"), position=number)
    resolver = HabitatResolver(queries.region_or_error().typology_code)
    form = CorrespondenceForm(request.POST, candidates=resolver.candidates(one.cited_type) if one.cited_type else [])
    if not form.is_valid():
        messages.error(request, _("Choose one of the correspondences listed."))
        return redirect("habitats:releve", uuid=uuid)
    chosen = form.cleaned_data["habitat_type"]
    actions.confirm_habitat(determination=one, habitat_type=chosen, by=request.user, at=timezone.now())
    messages.success(request, _("%(cited)s is %(habitat)s here.") % {"cited": one, "habitat": chosen})
    return redirect("habitats:releve", uuid=uuid)
