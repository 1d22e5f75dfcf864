"""The pages of the desk as tests ask for them, and the forms that they send."""

import json

from django.urls import reverse
from django.utils import timezone

from feedback import actions
from feedback.models import Report
from feedback.states import DecisionResult, ReasonCode, ReportState

ENGLISH = {"accept-language": "en"}


def page(client, name="feedback:desk", *arguments, **parameters):
    return client.get(reverse(name, args=arguments), parameters, headers=ENGLISH)


def sheet(client, report):
    return page(client, "feedback:desk-report", report.pk)


def post(client, name, report, **fields):
    return client.post(reverse(f"feedback:desk-{name}", args=[report.pk]), fields, headers=ENGLISH)


def take(report, person):
    return actions.take_report(report=report, by=person, at=timezone.now())


def decision(report, **fields):
    """What the form of an accepted report sends."""
    line = report.polygons.first()
    return {
        "outcome": "accepted",
        "result": "error_to_correct",
        "reason_code": "confused_habitats",
        "to_type": report.proposed_type_id,
        "scope": "polygons",
        "seen": json.dumps([[line.number, line.version_seen]]),
        "reply": "Merci, la carte est corrigée.",
        **fields,
    }


def refusal(report, **fields):
    """What the form of a report that is not kept sends."""
    given = {"outcome": "rejected_spec", "result": "misunderstanding", "reason_code": "within_specification", **fields}
    return decision(report, **given)


def decided(report, adjudicator):
    """A decision that one signature was enough for."""
    take(report, adjudicator)
    proposal = actions.Proposal(
        outcome=ReportState.REJECTED_SPEC,
        result=DecisionResult.MISUNDERSTANDING,
        reason_code=ReasonCode.WITHIN_SPECIFICATION,
        reply="La carte suit ses définitions.",
        seen=tuple(report.polygons.values_list("number", "version_seen")),
    )
    now = timezone.now()
    proposed = actions.propose_decision(report=report, proposal=proposal, by=adjudicator, at=now)
    return actions.sign_decision(report=proposed, by=adjudicator, at=now)


def shown(response):
    return [line.report.pk for line in response.context["lines"]]


def state_of(report):
    return Report.objects.values_list("state", flat=True).get(pk=report.pk)
