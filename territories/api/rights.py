"""What an API view asks of mandates before it answers."""

from typing import Any

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from territories.permissions import may


class HoldsARight(BasePermission):
    """The person holds one of the view's `rights_to_see`, somewhere. Without an identity the answer is 401."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask the mandates of today."""
        today = timezone.localdate()
        return any(may(request.user, right, on=today) for right in view.rights_to_see)
