"""Decide a report: a proposal, its signature, and the one transaction that corrects, teaches and answers."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import NotAllowedError, StateForbidsError
from feedback import notifications
from feedback.actions.followers import close_followers
from feedback.actions.log import Effect, lock_by, make_move
from feedback.actions.proposals import CheckedProposal, Proposal, checked_proposal, require_consistent
from feedback.actions.reports import require_words
from feedback.models import Decision, Release, Report
from feedback.permissions import require_to_give
from feedback.queries.effects import effect_of, standing_decision, waiting_decision
from feedback.queries.ground import contested_vintage, disagreeing_reports
from feedback.queries.reports import reports_carried_by
from feedback.states import MessageKind, MoveReason, ReasonCode, ReportState, SecondSignature
from habitats import actions as habitat_actions
from habitats.actions.corrections.neighbourhood import DecisionFacts
from habitats.errors import PolygonChangedError
from habitats.models import Correction
from territories.models import User


def propose_decision(*, report: Report, proposal: Proposal, by: User, at: datetime.datetime) -> Report:
    """Propose a decision on a report that the adjudicator holds.

    Returns:
        The report: `decision_proposed`, or `in_review` still where the map changed since the adjudicator looked.

    Raises:
        NotAllowedError: no mandate to decide it or to give that habitat, or, in appeal, decided it before.
        LockedError: somebody else holds it, or nobody does.
        StateForbidsError: it is not in review.
        InvalidFieldsError: result or reason do not stand with the outcome, or the ground is not the report's.
    """
    reply = require_words(proposal.reply, field="reply")

    def effect(held: Report) -> Effect:
        require_consistent(proposal)
        checked = checked_proposal(held, proposal)
        if checked is None:
            return Effect(to=ReportState.IN_REVIEW, reason=MoveReason.POLYGONS_CHANGED)
        if proposal.outcome == ReportState.ACCEPTED and proposal.to_type is not None:
            require_to_give(by, held, proposal.to_type.pk, timezone.localdate(at))
        decision = _store_decision(held, proposal, checked, reply=reply, by=by, at=at)
        if decision.outcome == ReportState.ACCEPTED:
            _try_out(held, decision, at)
        return Effect(to=ReportState.DECISION_PROPOSED)

    given = {name: getattr(proposal, name) for name in ("outcome", "result", "reason_code", "reply")}
    return make_move(move="propose", report=report, by=by, at=at, effect=effect, given=given)


def _store_decision(
    held: Report, proposal: Proposal, checked: CheckedProposal, *, reply: str, by: User, at: datetime.datetime
) -> Decision:
    is_accepted = proposal.outcome == ReportState.ACCEPTED
    return Decision.objects.create(
        report=held,
        outcome=proposal.outcome,
        result=proposal.result,
        reason_code=proposal.reason_code,
        reply=reply,
        to_type=proposal.to_type if is_accepted else None,
        outline=checked.outline if is_accepted else None,
        seen=checked.seen,
        second_signature=checked.second_signature,
        proposed_by=by,
        proposed_at=at,
        in_appeal=held.appealed_at is not None,
        correction=proposal.correction if proposal.outcome == ReportState.ALREADY_FIXED else None,
    )


def _try_out(held: Report, decision: Decision, at: datetime.datetime) -> None:
    """Make the correction and take it back: who proposes learns what the map refuses, not who signs."""
    with transaction.atomic():
        _correct(held, decision, at)
        transaction.set_rollback(True)


def sign_decision(*, report: Report, by: User, at: datetime.datetime, agrees: bool = True, reason: str = "") -> Report:
    """Sign the decision that waits: correction, sample, reply and log in one transaction; or send it back.

    Args:
        report: the report.
        by: another adjudicator, or the proposer where one signature is enough.
        at: the moment.
        agrees: False sends the report back to review, held by its proposer.
        reason: why not, which the desk reads.

    Returns:
        The report: in the state of the decision, or `in_review` where it was sent back or the map changed.

    Raises:
        NotAllowedError: no mandate to decide it, or a second signature is needed and this is the first signer.
        StateForbidsError: no decision waits (somebody was first), or the map already says so.
        InvalidFieldsError: not agreed, without a reason.
    """
    words = reason.strip() if agrees else require_words(reason, field="reason")

    def effect(held: Report) -> Effect:
        decision = waiting_decision(held)
        if decision is None:
            raise StateForbidsError(_("No decision of this report waits for a signature."))
        if not agrees:
            return _sent_back(decision, words, at)
        _require_second_pair_of_eyes(held, decision, by)
        if decision.to_type_id is not None:
            require_to_give(by, held, decision.to_type_id, timezone.localdate(at))
        try:
            with transaction.atomic():
                _carry_out(held, decision, by=by, at=at)
        except PolygonChangedError:
            return _sent_back(decision, MoveReason.POLYGONS_CHANGED, at)
        return _signed(decision, at)

    return make_move(move="sign", report=report, by=by, at=at, effect=effect)


def _require_second_pair_of_eyes(held: Report, decision: Decision, by: User) -> None:
    """The proposer signs alone only where nothing asked for a second signature, at the proposal or since."""
    if decision.proposed_by_id != by.pk:
        return
    reasons = list(decision.second_signature)
    if not reasons and disagreeing_reports(held, decision.to_type or held.proposed_type).exists():
        reasons = [SecondSignature.DISAGREEMENT]
    if not reasons:
        return
    why = ", ".join(str(SecondSignature(reason).label) for reason in reasons)
    raise NotAllowedError(_("Another adjudicator signs this one: %(why)s.") % {"why": why})


def _sent_back(decision: Decision, reason: str, at: datetime.datetime) -> Effect:
    decision.sent_back_at = at
    decision.save(update_fields=["sent_back_at"])
    # The proposer goes on with it, for as long as a lock lasts.
    return Effect(to=ReportState.IN_REVIEW, changes=lock_by(decision.proposed_by, at), reason=reason)


def _carry_out(held: Report, decision: Decision, *, by: User, at: datetime.datetime) -> None:
    if decision.outcome == ReportState.ALREADY_FIXED:
        _require_standing(decision.correction)
    if decision.outcome == ReportState.ACCEPTED:
        decision.correction = _correct(held, decision, at)
        decision.sample = habitat_actions.store_report_sample(correction=decision.correction, at=at)
    decision.signed_by, decision.signed_at = by, at
    decision.save()


def _require_standing(correction: Correction | None) -> None:
    """Raise PolygonChangedError where what had corrected the place was taken back since; it stands until the commit."""
    standing = Correction.objects.applied().select_for_update(no_key=True)
    if correction is None or not standing.filter(pk=correction.pk).exists():
        raise PolygonChangedError(_("The map was made again, or published, since this was proposed."))


def _correct(held: Report, decision: Decision, at: datetime.datetime) -> Correction:
    vintage = contested_vintage(held.round)
    if vintage is None or vintage.pk != held.vintage_id or decision.to_type is None:
        raise PolygonChangedError(_("The map was made again, or published, since this was proposed."))
    seen = [(number, version) for number, version in decision.seen]
    facts: DecisionFacts = {
        "source": f"report:{held.client_uuid}",
        # Whoever proposed it decided it; the signature confirms.
        "by": decision.proposed_by,
        "at": at,
        "observed_on": held.observed_on,
        "reason": str(decision.reason_code),
    }
    to_type = decision.to_type
    if decision.outline is None:
        return habitat_actions.correct_polygons(vintage=vintage, polygons=seen, to_type=to_type, **facts)
    feeds = decision.reason_code == ReasonCode.WRONG_OUTLINE
    return habitat_actions.correct_outline(
        vintage=vintage, outline=decision.outline, to_type=to_type, seen=seen, feeds=feeds, **facts
    )


def _signed(decision: Decision, at: datetime.datetime) -> Effect:
    def tell(report: Report) -> None:
        notifications.tell_decided(report, decision, at=at)
        close_followers(report, reply=decision.reply, at=at)

    return Effect(
        to=ReportState(decision.outcome),
        reason=decision.reason_code,
        said=(MessageKind.REPLY, decision.reply),
        tell=tell,
    )


def revert_report(*, report: Report, by: User, reason: str, at: datetime.datetime) -> Report:
    """Undo an accepted report: a compensating correction, the sample retired, the author told.

    Raises:
        NotAllowedError: not a release administrator of the place.
        StateForbidsError: it was not accepted, or its map is published (open an erratum first).
        InvalidFieldsError: no reason.
    """
    words = require_words(reason, field="reason")

    def effect(held: Report) -> Effect:
        decision = standing_decision(held)
        if decision is None or decision.correction is None:
            raise StateForbidsError(_("This report corrected nothing."))
        habitat_actions.revert_correction(correction=decision.correction, by=by, at=at, reason=words)

        def tell(reverted: Report) -> None:
            notifications.tell_reverted(reverted, reason=words, at=at)
            close_followers(reverted, reply=words, at=at)

        return Effect(to=ReportState.REVERTED, reason=words, said=(MessageKind.REASON, words), tell=tell)

    return make_move(move="revert", report=report, by=by, at=at, effect=effect, given={"reason": words})


def integrate_reports(*, release: Release, at: datetime.datetime) -> int:
    """Mark the accepted reports that a release carries, and tell their authors what they changed.

    Returns:
        How many; none the second time.
    """

    def tell(held: Report) -> None:
        hectares = effect_of(held).hectares
        notifications.tell_integrated(held, hectares=hectares, at=at)
        close_followers(held, reply=_("Carried by release %(release)s.") % {"release": release}, at=at)

    carried = Effect(to=ReportState.INTEGRATED, changes={"release": release}, reason=str(release), tell=tell)
    count = 0
    for report in reports_carried_by(release).only("pk"):
        make_move(move="integrate", report=report, by=None, at=at, effect=lambda _held: carried)
        count += 1
    return count
