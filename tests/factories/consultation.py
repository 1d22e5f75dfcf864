"""A whole consultation for tests: a map, a round, and the people around it, moved by the actions themselves."""

import datetime
import uuid
from dataclasses import replace

from feedback import actions
from feedback.actions import Proposal, ReportFacts
from feedback.states import DecisionResult, ErrorType, EvidenceType, ReasonCode, ReportState
from habitats.states import Stake
from territories.states import Role
from tests.factories.feedback import RoundFactory
from tests.factories.ground import AN_INSTANT, square
from tests.factories.habitats import HabitatTypeFactory, LegendEntryFactory, PolygonFactory, VintageFactory
from tests.factories.territories import MandateFactory, OrganisationFactory, TerritoryFactory, person_with

MINUTE = datetime.timedelta(minutes=1)
DAY = datetime.timedelta(days=1)
# About 3.6 ha: one signature is enough for its area.
SIDE = 0.002


class Consultation:
    """One round over a region of two departments; polygons at the corners of the grid of `square`."""

    def __init__(self):
        self.region = TerritoryFactory(region=True, outline=square(side=0.5))
        self.inside = TerritoryFactory(department=True, parent=self.region, outline=square(side=0.2))
        self.beside = TerritoryFactory(department=True, parent=self.region, outline=square(10, 0, side=0.2))
        self.commune = TerritoryFactory(parent=self.inside, outline=square(side=0.1))
        self.commune_beside = TerritoryFactory(parent=self.beside, outline=square(10, 0, side=0.1))
        self.round = RoundFactory(territory=self.region)
        self.vintage = VintageFactory()
        self.meadow = self.habitat("E2", Stake.LOW)
        self.heath = self.habitat("F3", Stake.LOW)
        self.mire = self.habitat("D1", Stake.VERY_HIGH)
        self.reviewer = person_with(Role.REVIEWER, self.inside)
        self.reviewer.organisation = OrganisationFactory()
        self.reviewer.save()
        self.adjudicator = person_with(Role.ADJUDICATOR, self.inside)
        self.second = person_with(Role.ADJUDICATOR, self.inside)
        self.panel = person_with(Role.APPEAL_PANEL, self.inside)
        self.panel_second = person_with(Role.APPEAL_PANEL, self.inside)
        self.administrator = person_with(Role.RELEASE_ADMINISTRATOR, self.region)
        self.at = AN_INSTANT + DAY

    def habitat(self, code, stake):
        """A habitat of the legend."""
        habitat = HabitatTypeFactory(code=code)
        LegendEntryFactory(habitat_type=habitat, stake=stake)
        return habitat

    def polygon(self, column=0, row=0, *, habitat=None, side=SIDE):
        """A polygon of the working map."""
        return PolygonFactory(
            vintage=self.vintage, habitat_type=habitat or self.meadow, outline=square(column, row, side=side)
        )

    def facts(self, *polygons, **changes):
        """What a reviewer says of some polygons (of a new one at the corner, unless told)."""
        if not polygons and "outline" not in changes:
            polygons = (self.polygon(),)
        facts = ReportFacts(
            client_uuid=uuid.uuid4(),
            round=self.round,
            polygons=tuple((polygon.pk, polygon.version) for polygon in polygons),
            error_type=ErrorType.ATTRIBUTE,
            proposed_type=self.heath,
            comment="De la callune partout.",
            observed_on=AN_INSTANT.date(),
            evidence_type=EvidenceType.FIELD_VISIT,
            confidence=2,
        )
        return replace(facts, **changes)

    def sent(self, *polygons, by=None, **changes):
        """A report that was sent."""
        facts = self.facts(*polygons, **changes)
        return actions.submit_report(facts=facts, by=by or self.reviewer, at=self.at)[0]

    def taken(self, *polygons, by=None, **changes):
        """A report held by an adjudicator."""
        return actions.take_report(report=self.sent(*polygons, **changes), by=by or self.adjudicator, at=self.at)

    def proposal(self, report, **changes):
        """An acceptance of what the report proposes, on its polygons as they are."""
        proposal = Proposal(
            outcome=ReportState.ACCEPTED,
            result=DecisionResult.ERROR_TO_CORRECT,
            reason_code=ReasonCode.CONFUSED_HABITATS,
            reply="Merci, la carte est corrigée.",
            to_type=report.proposed_type,
            seen=tuple((line.number, line.version_seen) for line in report.polygons.all()),
        )
        return replace(proposal, **changes)

    def refusal(self, **changes):
        """A refusal."""
        proposal = Proposal(
            outcome=ReportState.REJECTED_SPEC,
            result=DecisionResult.MISUNDERSTANDING,
            reason_code=ReasonCode.WITHIN_SPECIFICATION,
            reply="La carte suit sa spécification.",
        )
        return replace(proposal, **changes)

    def proposed(self, *polygons, proposal=None, **changes):
        """A report whose acceptance waits for a signature."""
        report = self.taken(*polygons, **changes)
        proposal = proposal or self.proposal(report)
        return actions.propose_decision(report=report, proposal=proposal, by=self.adjudicator, at=self.at)

    def accepted(self, *polygons, **changes):
        """A report that was accepted and signed by a second adjudicator."""
        report = self.proposed(*polygons, **changes)
        return actions.sign_decision(report=report, by=self.second, at=self.at)

    def rejected(self, *polygons, **changes):
        """A report that was refused."""
        report = self.proposed(*polygons, proposal=self.refusal(), **changes)
        return actions.sign_decision(report=report, by=self.second, at=self.at)

    def asked(self, *polygons, **changes):
        """A report with a question for its author."""
        report = self.taken(*polygons, **changes)
        return actions.ask_author(report=report, by=self.adjudicator, question="Quand ?", at=self.at)

    def appealed(self, *polygons, **changes):
        """A refused report that its author appealed."""
        report = self.rejected(*polygons, **changes)
        return actions.appeal_report(report=report, by=self.reviewer, new_evidence="Un relevé.", at=self.at)

    def another_reviewer(self, territory=None):
        """Somebody else who contests."""
        return MandateFactory(role=Role.REVIEWER, territory=territory or self.inside).user
