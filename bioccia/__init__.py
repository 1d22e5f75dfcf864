"""The ground: settings, Celery, errors, lifecycle. It names the apps only as strings."""

from bioccia.celery import application as celery_application

__all__ = ["celery_application"]
