"""`POST /api/v1/reports/ID/MOVE/`: one operation for each move of a report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from bioccia.errors import InvalidFieldsError, NotAllowedError
from feedback import actions
from feedback.api import requests
from feedback.api.serializers import ReportSerializer
from feedback.models import Report
from feedback.states import ReportState
from territories.api.rights import signed_in

PROPOSAL = OpenApiExample(
    "An error to correct",
    value={
        "outcome": "accepted",
        "result": "error_to_correct",
        "reason_code": "confused_habitats",
        "reply": "You are right: mown twice a year, the meadow is on the photograph.",
        "habitat": {"typology": "EUNIS2012", "code": "E2.2"},
        "polygons": [{"number": 1204, "version": 1}],
    },
    request_only=True,
)


def a_move(name: str, summary: str, *, body: type[Serializer] | None = None, example: Any = None) -> Callable:
    """Document one move and give it its address.

    Args:
        name: as in the table of moves.
        summary: one line of the documentation.
        body: what is sent; None: nothing.
        example: the documented body: its fields, or a whole OpenApiExample.
    """
    examples = [example if isinstance(example, OpenApiExample) else OpenApiExample(summary, value=example)]
    operation = "".join(part.capitalize() for part in name.split("_"))
    documented = extend_schema(
        operation_id=f"{operation[0].lower()}{operation[1:]}Report",
        summary=summary,
        request=body,
        responses=ReportSerializer,
        examples=[OpenApiExample(row.name, value=row.value, request_only=True) for row in examples if body],
        filters=False,
    )

    def decorate(method: Callable) -> Callable:
        return documented(action(detail=True, methods=["post"], url_path=name)(method))

    return decorate


@contextmanager
def _named_as_sent() -> Iterator[None]:
    """Name the fields at fault as the body of a proposal names them."""
    try:
        yield
    except InvalidFieldsError as error:
        names = {"to_type": "habitat", "seen": "polygons", "outline": "geometry"}
        error.fields = {names.get(name, name): sentence for name, sentence in error.fields.items()}
        raise


class ReportMoves(GenericViewSet):
    """Each checks its right, its state and its fields in `feedback.actions`; here bodies are read, answers written."""

    @a_move(
        "submit",
        "Send a draft, or answer a question",
        body=requests.SubmitSerializer,
        example={"answer": "Seen again on 12 May."},
    )
    def submit(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """Two moves of one name: from draft, and from the question."""
        given, report = self._given(requests.SubmitSerializer), self.get_object()
        if report.state != ReportState.NEEDS_INFO:
            sent, _created = actions.submit_report(report=report, by=signed_in(request), at=timezone.now())
            return self._shown(sent)
        if "answer" not in given:
            needed = _("The desk asked a question: answer it.")
            raise InvalidFieldsError(needed, fields={"answer": needed})
        return self._move(actions.answer_question, text=given["answer"])

    @a_move("take", "Take a report from the queue")
    def take(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """A lock, with its end."""
        return self._move(actions.take_report)

    @a_move("ask", "Ask the author", body=requests.QuestionSerializer, example={"question": "Which side of the path?"})
    def ask(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """The clock stops."""
        return self._move(actions.ask_author, **self._given(requests.QuestionSerializer))

    @a_move("send_to_field", "Wait for a field visit")
    def send_to_field(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """A point in the next campaign."""
        return self._move(actions.send_to_field)

    @a_move("propose", "Propose a decision", body=requests.ProposalSerializer, example=PROPOSAL)
    def propose(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """To be signed."""
        body = requests.ProposalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with _named_as_sent():
            return self._move(actions.propose_decision, proposal=body.proposal())

    @a_move("sign", "Sign a decision, or send it back", body=requests.SignatureSerializer, example={"agrees": True})
    def sign(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """All its effects at once."""
        return self._move(actions.sign_decision, **self._given(requests.SignatureSerializer))

    @a_move("merge", "Join a report to another", body=requests.MasterSerializer, example={"master": 12})
    def merge(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """Its author follows the other one."""
        asked = self._given(requests.MasterSerializer)
        master = self.get_queryset().filter(pk=asked["master"]).first()
        if master is None:
            unknown = _("You know of no such report.")
            raise InvalidFieldsError(unknown, fields={"master": unknown})
        return self._move(actions.merge_report, master=master)

    @a_move("withdraw", "Withdraw a report")
    def withdraw(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """By its author."""
        return self._move(actions.withdraw_report)

    @a_move(
        "appeal",
        "Appeal against a refusal",
        body=requests.AppealSerializer,
        example={"new_evidence": "The survey of 2024 names the association."},
    )
    def appeal(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """Once, within the window."""
        return self._move(actions.appeal_report, **self._given(requests.AppealSerializer))

    @a_move(
        "revert",
        "Undo an accepted report",
        body=requests.RevertSerializer,
        example={"reason": "The photograph shows another place."},
    )
    def revert(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """By a release administrator."""
        return self._move(actions.revert_report, **self._given(requests.RevertSerializer))

    @a_move("expire", "The clock's move: refused to everybody")
    def expire(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """Named, so that programs read why not."""
        self.get_object()
        raise NotAllowedError(_("Only the clock makes a report expire, when its question waited too long."))

    @a_move("integrate", "The publication's move: refused to everybody")
    def integrate(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """Named, so that programs read why not."""
        self.get_object()
        raise NotAllowedError(_("Only the publication of a release integrates reports."))

    def _given(self, body: type[Serializer]) -> dict[str, Any]:
        asked = body(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return asked.validated_data

    def _move(self, act: Callable[..., Report], **given: Any) -> Response:
        return self._shown(act(report=self.get_object(), by=signed_in(self.request), at=timezone.now(), **given))

    def _shown(self, report: Report) -> Response:
        """The report as it stands now."""
        return Response(ReportSerializer(self.read_again(report), context=self.get_serializer_context()).data)

    def read_again(self, report: Report) -> Report:
        """The report with all that its answer shows."""
        raise NotImplementedError
