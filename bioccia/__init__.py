"""The ground: settings, Celery, errors, lifecycle. It names the apps only as strings."""

from importlib.util import find_spec

__all__ = ["celery_application"]

if find_spec("celery"):  # the lifecycle starts before anything is installed
    from bioccia.celery import application as celery_application
