"""The Celery application. Tasks are found in each app's `tasks.py`."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bioccia.settings")

application = Celery("bioccia")
application.config_from_object("django.conf:settings", namespace="CELERY")
application.autodiscover_tasks()


@signals.setup_logging.connect
def keep_our_logs(**_kwargs: Any) -> None:
    """Being connected is enough: Celery then leaves the logs as the settings made them."""
