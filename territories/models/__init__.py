"""Tables of territories, by concern."""

from territories.models.outbox import OutboxMessage
from territories.models.people import Mandate, Organisation, User
from territories.models.places import Region, Territory

__all__ = ["Mandate", "Organisation", "OutboxMessage", "Region", "Territory", "User"]
