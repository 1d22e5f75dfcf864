"""What a version owes to reports: its samples that came from them, and what they brought when it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bioccia.errors import BiocciaError
from habitats.models import Ablation
from habitats.queries import region_or_error
from ml import actions, tasks
from ml.models import ModelVersion
from ml.queries import versions_visible_to
from ml.states import RunKind
from territories.permissions import SignedInRequest, may


@dataclass(frozen=True)
class Gain:
    """A mean difference of scores with its interval."""

    mean: float
    low: float | None
    high: float | None
    pairs: int

    @property
    def word(self) -> str:
        """What the interval allows to say."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return _("cannot be told from chance")
        return _("better with them") if self.low > 0 else _("worse with them")

    @property
    def kind(self) -> str:
        """The kind of tag that goes with the word."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "plain"
        return "good" if self.low > 0 else "bad"


@dataclass(frozen=True)
class AblationLine:
    """One measure."""

    ablation: Ablation

    @property
    def macro_f1(self) -> Gain:
        """On the mean of the habitats."""
        return Gain(**self.ablation.differences["macro_f1"])

    @property
    def overall_accuracy(self) -> Gain:
        """On all test cells."""
        return Gain(**self.ablation.differences["overall_accuracy"])


class LearnedFromReports:
    """The part of a version's page that says what came from reports."""

    def __init__(self, version: ModelVersion, request: HttpRequest) -> None:
        self.version = version
        self.counts: Mapping[str, Any] = version.training_set.counts.get("from_reports", {})
        self._request = request

    @cached_property
    def measures(self) -> list[AblationLine]:
        """The latest first."""
        return [AblationLine(ablation) for ablation in self.version.ablations.all()]

    @property
    def years(self) -> list[tuple[str, int]]:
        """Samples by the year that they describe."""
        return sorted(self.counts.get("by_year", {}).items())

    @property
    def may_measure(self) -> bool:
        """Whether the person may ask for a measure, and there is something to measure."""
        has_some = bool(self.counts.get("samples"))
        return has_some and may(self._request.user, "run_models", on=timezone.localdate())


@require_POST
@login_required
def measure_reports(request: SignedInRequest, number: int) -> HttpResponse:
    """Ask for a measure of what the samples of reports brought."""
    version = get_object_or_404(versions_visible_to(request.user, timezone.localdate()), number=number)
    try:
        run = actions.request_run(
            region=region_or_error(),
            year=version.year,
            kind=RunKind.ABLATION,
            by=request.user,
            at=timezone.now(),
            mode=version.mode,
            seed=version.seed,
            parameters={"version": version.pk},
        )
    except BiocciaError as error:
        messages.error(request, str(error.detail))
        return redirect("habitats:version", number=number)
    tasks.ring(run)
    messages.success(request, _("The measure waits for a worker."))
    return redirect("ml:run", pk=run.pk)
