"""The web application, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import resolve

from bioccia.lifecycle import paths
from bioccia.metrics_files import share_counts

share_counts(paths.region_dir(paths.region_name()) / "run" / "metrics")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bioccia.settings")
application = get_wsgi_application()
# Django imports every view at the first address it looks up: here, rather than while the first visitor waits.
resolve("/healthz")
