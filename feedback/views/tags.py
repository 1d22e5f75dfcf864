"""The colour of a state, beside its word."""

from feedback.states import OPEN_STATES, REJECTED, ReportState, RoundState

_OF_REPORT = {
    ReportState.DRAFT: "plain",
    ReportState.IN_REVIEW: "live",
    ReportState.ACCEPTED: "good",
    ReportState.ALREADY_FIXED: "good",
    ReportState.INTEGRATED: "good",
    ReportState.APPEALED: "bad",
    ReportState.REVERTED: "bad",
}
_OF_ROUND = {RoundState.PLANNED: "wait", RoundState.OPEN: "live", RoundState.CLOSED: "plain"}


def tag_of_report(state: str) -> str:
    """The kind of tag of a report's state."""
    known = ReportState(state)
    if known in _OF_REPORT:
        return _OF_REPORT[known]
    if known in REJECTED:
        return "bad"
    return "wait" if known in OPEN_STATES else "plain"


def tag_of_round(state: str) -> str:
    """The kind of tag of a round's state."""
    return _OF_ROUND[RoundState(state)]
