"""Texts that a reply may begin with, by reason. The adjudicator edits them; nothing is sent as it stands unread."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from feedback.states import ReasonCode

REPLY_TEXTS: dict[ReasonCode, Any] = {
    ReasonCode.CONFUSED_HABITATS: _(
        "Thank you. You are right: the model confused two habitats here. The map is corrected, and the place helps to"
        " train the next version."
    ),
    ReasonCode.WRONG_OUTLINE: _(
        "Thank you. You are right: the outline was misplaced. It is redrawn on the map, and the neighbouring polygons"
        " follow it."
    ),
    ReasonCode.MISSED_PATCH: _(
        "Thank you. You are right: the map had missed this patch. It is drawn now, and the place helps to train the"
        " next version."
    ),
    ReasonCode.ALREADY_CORRECTED: _(
        "Thank you. Another report had already led to this correction: the map now shows what you describe."
    ),
    ReasonCode.BELOW_MINIMUM_UNIT: _(
        "Thank you. What you describe is there, but it is smaller than the smallest area that the map draws: the"
        " polygon keeps the habitat that covers most of it."
    ),
    ReasonCode.WITHIN_SPECIFICATION: _(
        "Thank you. By the definitions of the map's legend, this place belongs to the habitat that is shown. Tell us"
        " if you know of species or of a use that says otherwise."
    ),
    ReasonCode.CHANGED_SINCE: _(
        "Thank you. The ground changed after the date of the images: the map was right on that day. The next vintage"
        " will see the change."
    ),
    ReasonCode.NOT_ENOUGH_EVIDENCE: _(
        "Thank you. Neither the images nor what you sent let us decide otherwise. A dated photograph, or a list of"
        " species, would let us look again: you may appeal."
    ),
    ReasonCode.OUT_OF_SCOPE: _(
        "Thank you. Your message does not concern the habitats of this map, and we cannot act on it here."
    ),
    ReasonCode.UNREADABLE: _(
        "Thank you. We did not understand what should change. Please send a new report that says which habitat you see."
    ),
}


def reply_texts() -> dict[str, str]:
    """The texts in the language of the page, by reason."""
    return {str(reason): str(text) for reason, text in REPLY_TEXTS.items()}
