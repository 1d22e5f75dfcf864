"""When one signature is not enough."""

from collections.abc import Sequence

from django.conf import settings

from feedback.models import Report
from feedback.queries.ground import STAKE_ORDER, disagreeing_reports, stake_of
from feedback.states import SecondSignature
from habitats.models import HabitatType
from habitats.states import Stake

FROM_STAKE = STAKE_ORDER.index(Stake.HIGH)


def second_signature_reasons(
    report: Report, *, present: Sequence[HabitatType], decided: HabitatType | None, area_m2: float
) -> list[SecondSignature]:
    """Why another adjudicator must sign; empty where the proposer may.

    Args:
        report: the report.
        present: the habitats that the map shows there.
        decided: what the decision makes of them; None: nothing.
        area_m2: the ground decided about, in the region's CRS.
    """
    proposed = decided or report.proposed_type
    stakes = [STAKE_ORDER.index(stake_of(habitat)) for habitat in present]
    # What its author saw and proposed counts too, whatever part of the ground the decision is about.
    concerned = [*stakes, STAKE_ORDER.index(stake_of(proposed)), STAKE_ORDER.index(report.stake)]
    lowers = decided is not None and max(stakes, default=0) > STAKE_ORDER.index(stake_of(decided))
    found = {
        SecondSignature.STAKE: max(concerned) >= FROM_STAKE,
        SecondSignature.AREA: area_m2 > settings.SECOND_SIGNATURE_AREA_M2,
        SecondSignature.DISAGREEMENT: disagreeing_reports(report, proposed).exists(),
        SecondSignature.LOWERED_STAKE: lowers,
        SecondSignature.APPEAL: report.appealed_at is not None,
    }
    return [reason for reason, needed in found.items() if needed]
