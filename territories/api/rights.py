"""What an API view asks of mandates before it answers."""

from typing import Any

from django.utils import timezone
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from territories.models import User
from territories.permissions import may


def signed_in(request: Request) -> User:
    """Who asks, of a view that answers 401 to visitors."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class HoldsARight(BasePermission):
    """The person holds one of the view's `rights_to_see`, somewhere. Without an identity the answer is 401."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask the mandates of today."""
        today = timezone.localdate()
        return any(may(request.user, right, on=today) for right in view.rights_to_see)
