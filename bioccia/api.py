"""What every API list shares."""

from rest_framework.pagination import LimitOffsetPagination


class BoundedLimitOffsetPagination(LimitOffsetPagination):
    """`?limit=&offset=`, at most 1,000 rows an answer."""

    default_limit = 50
    max_limit = 1000
