"""Rounds, reports and releases: their states, and the one table of moves of each."""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class RoundState(TextChoices):
    """Where a round stands. Its dates say when it should be open; this says whether it is."""

    PLANNED = "planned", _("planned")
    OPEN = "open", _("open")
    CLOSED = "closed", _("closed")


ROUND_MOVES: dict[str, tuple[tuple[RoundState, ...], RoundState]] = {
    "open": ((RoundState.PLANNED,), RoundState.OPEN),
    "close": ((RoundState.OPEN,), RoundState.CLOSED),
}


class ReportState(TextChoices):
    """Where a report stands."""

    DRAFT = "draft", _("draft")
    SUBMITTED = "submitted", _("submitted")
    NEEDS_INFO = "needs_info", _("waiting for its author")
    IN_REVIEW = "in_review", _("in review")
    AWAITING_FIELD = "awaiting_field", _("waiting for a field visit")
    DECISION_PROPOSED = "decision_proposed", _("waiting for a second signature")
    ACCEPTED = "accepted", _("accepted")
    ALREADY_FIXED = "already_fixed", _("already corrected")
    REJECTED_SPEC = "rejected_spec", _("not kept: the map follows its specification")
    REJECTED_OFF_TOPIC = "rejected_off_topic", _("not kept: off topic")
    MERGED = "merged", _("joined to another report")
    WITHDRAWN = "withdrawn", _("withdrawn")
    EXPIRED = "expired", _("expired")
    APPEALED = "appealed", _("in appeal")
    REVERTED = "reverted", _("reverted")
    INTEGRATED = "integrated", _("in a release")


REJECTED = (ReportState.REJECTED_SPEC, ReportState.REJECTED_OFF_TOPIC)
# The outcomes that a proposal may name, and that its signature makes.
OUTCOMES = (ReportState.ACCEPTED, ReportState.ALREADY_FIXED, *REJECTED)
# Its author has the word, or may take it again by an appeal: later, the desk decides on what it read.
TAKES_FILES = (
    ReportState.DRAFT,
    ReportState.SUBMITTED,
    ReportState.NEEDS_INFO,
    *REJECTED,
    ReportState.APPEALED,
)
# Somebody still has something to do: a release waits for these.
OPEN_STATES = (
    ReportState.SUBMITTED,
    ReportState.NEEDS_INFO,
    ReportState.IN_REVIEW,
    ReportState.AWAITING_FIELD,
    ReportState.DECISION_PROPOSED,
    ReportState.APPEALED,
)

# The status of a report as clients of the Espace collaboratif know it; a draft has none.
EC_STATUS: dict[ReportState, str] = {
    ReportState.DRAFT: "",
    ReportState.SUBMITTED: "submit",
    ReportState.NEEDS_INFO: "pending0",
    ReportState.IN_REVIEW: "pending",
    ReportState.AWAITING_FIELD: "pending",
    ReportState.DECISION_PROPOSED: "pending2",
    ReportState.ACCEPTED: "valid",
    ReportState.ALREADY_FIXED: "valid0",
    ReportState.REJECTED_SPEC: "reject",
    ReportState.REJECTED_OFF_TOPIC: "reject0",
    ReportState.MERGED: "pending",
    ReportState.WITHDRAWN: "reject0",
    ReportState.EXPIRED: "reject0",
    ReportState.APPEALED: "pending",
    ReportState.REVERTED: "pending",
    ReportState.INTEGRATED: "valid",
}


class Who(TextChoices):
    """Who makes a move."""

    AUTHOR = "author", _("the author")
    ADJUDICATOR = "adjudicator", _("an adjudicator who is not the author")
    HOLDER = "holder", _("the holder of the lock")
    SIGNER = "signer", _("another adjudicator, or the proposer where one signature is enough")
    RELEASE_ADMINISTRATOR = "release_administrator", _("a release administrator")
    TIMER = "timer", _("the clock")
    PUBLICATION = "publication", _("the publication of a release")


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table: from where, to where, by whom, and what must be said with it.

    Attributes:
        sources: the states it leaves.
        targets: the states it may reach.
        who: who makes it.
        needs: fields that must be given.
    """

    sources: tuple[ReportState, ...]
    targets: tuple[ReportState, ...]
    who: Who
    needs: tuple[str, ...] = ()


S = ReportState
REPORT_MOVES: dict[str, Move] = {
    "submit": Move((S.DRAFT, S.NEEDS_INFO), (S.SUBMITTED,), Who.AUTHOR),
    "take": Move((S.SUBMITTED, S.APPEALED), (S.IN_REVIEW,), Who.ADJUDICATOR),
    "ask": Move((S.IN_REVIEW,), (S.NEEDS_INFO,), Who.HOLDER, ("question",)),
    "send_to_field": Move((S.IN_REVIEW,), (S.AWAITING_FIELD,), Who.HOLDER),
    "propose": Move(
        (S.IN_REVIEW, S.AWAITING_FIELD),
        (S.DECISION_PROPOSED, S.IN_REVIEW),
        Who.HOLDER,
        ("outcome", "result", "reason_code", "reply"),
    ),
    "sign": Move((S.DECISION_PROPOSED,), (*OUTCOMES, S.IN_REVIEW), Who.SIGNER),
    "merge": Move((S.SUBMITTED, S.IN_REVIEW), (S.MERGED,), Who.ADJUDICATOR, ("master",)),
    "withdraw": Move((S.DRAFT, S.SUBMITTED, S.NEEDS_INFO), (S.WITHDRAWN,), Who.AUTHOR),
    "expire": Move((S.NEEDS_INFO,), (S.EXPIRED,), Who.TIMER),
    "appeal": Move(REJECTED, (S.APPEALED,), Who.AUTHOR, ("new_evidence",)),
    "revert": Move((S.ACCEPTED, S.INTEGRATED), (S.REVERTED,), Who.RELEASE_ADMINISTRATOR, ("reason",)),
    "integrate": Move((S.ACCEPTED,), (S.INTEGRATED,), Who.PUBLICATION),
}
# What happens to a report besides the moves of the domain; no decision comes of these.
DESK_MOVES: dict[str, Move] = {
    # Whose lock has run out holds nothing any more: another adjudicator goes on.
    "take_over": Move((S.IN_REVIEW, S.AWAITING_FIELD), (S.IN_REVIEW, S.AWAITING_FIELD), Who.ADJUDICATOR),
    "let_go": Move((S.IN_REVIEW, S.AWAITING_FIELD), (S.SUBMITTED, S.APPEALED, S.AWAITING_FIELD), Who.HOLDER),
    # The report it had joined was withdrawn or expired: it stands for itself again.
    "part": Move((S.MERGED,), (S.SUBMITTED,), Who.TIMER),
    # The map was made again under the report: its polygons are found again by place.
    "relink": Move(OPEN_STATES, OPEN_STATES, Who.TIMER),
}
ALL_MOVES: dict[str, Move] = {**REPORT_MOVES, **DESK_MOVES}
del S

# Nobody has anything to do any more, unless an author appeals or an administrator reverts.
CLOSED_STATES = (
    *OUTCOMES,
    ReportState.WITHDRAWN,
    ReportState.EXPIRED,
    ReportState.REVERTED,
    ReportState.INTEGRATED,
)


class MoveReason(TextChoices):
    """Why a move went where it went, where no person wrote a sentence."""

    POLYGONS_CHANGED = "polygons_changed", _("the polygons changed in the meantime")
    MAP_MADE_AGAIN = "map_made_again", _("the map was made again; the polygons were found again by place")
    GROUND_GONE = "ground_gone", _("the map was made again and shows nothing at this place")
    MASTER_GONE = "master_gone", _("the report it had been joined to is no more")
    NO_ANSWER = "no_answer", _("no answer in time")
    LOCK_RAN_OUT = "lock_ran_out", _("the lock of the one who held it had run out")


class ErrorType(TextChoices):
    """What the reviewer says is wrong."""

    ATTRIBUTE = "attribute", _("the habitat")
    GEOMETRY = "geometry", _("the outline")
    BOTH = "both", _("the habitat and the outline")


class EvidenceType(TextChoices):
    """What the reviewer knows it from."""

    FIELD_VISIT = "field_visit", _("field visit")
    PHOTO = "photo", _("photograph")
    IMAGERY = "imagery", _("aerial or satellite imagery")
    DOCUMENT = "document", _("document")
    KNOWLEDGE = "knowledge", _("knowledge of the place")


class DecisionResult(TextChoices):
    """The three results of a decision; the first two are named by the national land-cover process."""

    ERROR_TO_CORRECT = "error_to_correct", _("error to correct")
    MISUNDERSTANDING = "misunderstanding", _("misunderstanding of the specification")
    REAL_CHANGE = "real_change", _("real change: the map was right at the date of the image")


# Which result may stand with which outcome.
RESULTS_OF_OUTCOME: dict[ReportState, tuple[DecisionResult, ...]] = {
    ReportState.ACCEPTED: (DecisionResult.ERROR_TO_CORRECT,),
    ReportState.ALREADY_FIXED: (DecisionResult.ERROR_TO_CORRECT,),
    ReportState.REJECTED_SPEC: (DecisionResult.MISUNDERSTANDING, DecisionResult.REAL_CHANGE),
    ReportState.REJECTED_OFF_TOPIC: (DecisionResult.MISUNDERSTANDING,),
}


class ReasonCode(TextChoices):
    """Why, in a word that can be counted."""

    CONFUSED_HABITATS = "confused_habitats", _("two habitats confused by the model")
    WRONG_OUTLINE = "wrong_outline", _("outline misplaced")
    MISSED_PATCH = "missed_patch", _("patch missed")
    ALREADY_CORRECTED = "already_corrected", _("already corrected by another report")
    BELOW_MINIMUM_UNIT = "below_minimum_unit", _("smaller than the minimum mapping unit")
    WITHIN_SPECIFICATION = "within_specification", _("the map follows its specification")
    CHANGED_SINCE = "changed_since", _("the ground changed after the date of the image")
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence", _("not enough evidence")
    OUT_OF_SCOPE = "out_of_scope", _("not about habitats")
    UNREADABLE = "unreadable", _("cannot be understood")


REASONS_OF_OUTCOME: dict[ReportState, tuple[ReasonCode, ...]] = {
    ReportState.ACCEPTED: (ReasonCode.CONFUSED_HABITATS, ReasonCode.WRONG_OUTLINE, ReasonCode.MISSED_PATCH),
    ReportState.ALREADY_FIXED: (ReasonCode.ALREADY_CORRECTED,),
    ReportState.REJECTED_SPEC: (
        ReasonCode.BELOW_MINIMUM_UNIT,
        ReasonCode.WITHIN_SPECIFICATION,
        ReasonCode.CHANGED_SINCE,
        ReasonCode.NOT_ENOUGH_EVIDENCE,
    ),
    ReportState.REJECTED_OFF_TOPIC: (ReasonCode.OUT_OF_SCOPE, ReasonCode.UNREADABLE),
}


class SecondSignature(TextChoices):
    """Why one signature is not enough."""

    STAKE = "stake", _("high stake of the habitat, present or proposed")
    AREA = "area", _("large area")
    DISAGREEMENT = "disagreement", _("two reviewers disagree")
    LOWERED_STAKE = "lowered_stake", _("the correction lowers a stake")
    APPEAL = "appeal", _("decided in appeal")


class MessageKind(TextChoices):
    """What a message of the thread is."""

    QUESTION = "question", _("question")
    ANSWER = "answer", _("answer")
    REPLY = "reply", _("reply")
    EVIDENCE = "evidence", _("new evidence")
    REASON = "reason", _("reason")


class ReleaseState(TextChoices):
    """Where a release stands."""

    PREPARED = "prepared", _("dossier prepared")
    SIGNED = "signed", _("signed by two people")
    PUBLISHED = "published", _("published")
    SUPERSEDED = "superseded", _("superseded")
    WITHDRAWN = "withdrawn", _("withdrawn")
    ABANDONED = "abandoned", _("abandoned before publication")


RELEASE_MOVES: dict[str, tuple[tuple[ReleaseState, ...], ReleaseState]] = {
    "prepare": ((ReleaseState.PREPARED,), ReleaseState.PREPARED),
    "sign": ((ReleaseState.PREPARED,), ReleaseState.SIGNED),
    "publish": ((ReleaseState.SIGNED,), ReleaseState.PUBLISHED),
    "supersede": ((ReleaseState.PUBLISHED,), ReleaseState.SUPERSEDED),
    "withdraw": ((ReleaseState.PUBLISHED, ReleaseState.SUPERSEDED), ReleaseState.WITHDRAWN),
    "abandon": ((ReleaseState.PREPARED, ReleaseState.SIGNED), ReleaseState.ABANDONED),
}


class CyclePhase(TextChoices):
    """Where a yearly cycle stands, in the order in which it is played."""

    DRAW_AUDIT = "draw_audit", _("draw the audit sample")
    MAP = "map", _("train, decide and map")
    PLAN_ROUNDS = "plan_rounds", _("plan the rounds")
    HOLD_ROUNDS = "hold_rounds", _("hold the rounds")
    FINISH_DECISIONS = "finish_decisions", _("decide the last reports")
    OPEN_AUDIT = "open_audit", _("open the audit sample")
    PREPARE_RELEASE = "prepare_release", _("prepare the dossier")
    COLLECT_SIGNATURES = "collect_signatures", _("collect two signatures")
    PUBLISH = "publish", _("publish")
    ENDED = "ended", _("ended")


CYCLE_ORDER: tuple[CyclePhase, ...] = tuple(CyclePhase)


class GateState(TextChoices):
    """Whether a line of the gate of a release holds."""

    HOLDS = "holds", _("holds")
    TO_ACKNOWLEDGE = "to_acknowledge", _("to acknowledge")
    BLOCKING = "blocking", _("blocking")
