"""The seal of the audit sample is broken at the gate, and not before."""

import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from feedback import gate
from feedback.errors import GateClosedError
from habitats import actions as habitat_actions
from habitats.models import AuditSample, Vintage
from territories.models import User
from territories.permissions import require_everywhere


@transaction.atomic
def open_audit_at_gate(
    *, audit: AuditSample, vintage: Vintage, by: User | None, at: datetime.datetime
) -> dict[str, Any]:
    """Open the sealed points once the consultation of their year is over.

    Opened before, the points would be public while the map can still be contested: who knows where it is measured
    would correct it there, and what is corrected later would not be measured.

    Args:
        audit: a sample whose labelling is closed.
        vintage: the working vintage of the same year.
        by: a release administrator; None is the console.
        at: the moment.

    Returns:
        The assessment, which the sample keeps.

    Raises:
        NotAllowedError: no `release` on the whole region.
        GateClosedError: a round is not closed, or a report waits for an answer.
        StateForbidsError: not closed, opened already, or a vintage of another year or not to be released.
    """
    if by is not None:
        require_everywhere(by, "release", on=timezone.localdate(at))
    held = Vintage.objects.select_for_update().get(pk=vintage.pk)  # nobody sends a report meanwhile
    if faults := [f"{line.sentence} {line.way_out}" for line in gate.consultation_under_way(held)]:
        raise GateClosedError(" ".join(faults))
    return habitat_actions.open_audit(audit=audit, vintage=vintage, by=by, at=at)
