"""The platform's settings on a test session's own place; the workers and servers of the tests read these too."""

from tests.place import use_place

use_place()

from bioccia.settings import *  # noqa: E402, F403
from bioccia.settings import DATABASES, STORAGES  # noqa: E402

DATABASES["default"]["TEST"]["TEMPLATE"] = "bioccia_template"
# Files are served as they stand, without collecting them first.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
