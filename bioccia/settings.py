"""Django settings, read from the environment (see .env.example)."""

import os
import secrets
from pathlib import Path

# One GDAL for all: rasterio's. A PROJ database named by the environment would be of another version.
for _name in ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA"):
    os.environ.pop(_name, None)

import environ
import rasterio
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from bioccia.lifecycle import paths
from bioccia.logs import structlog_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

_rasterio_libs = Path(rasterio.__file__).parent.parent / "rasterio.libs"
GDAL_LIBRARY_PATH = str(next(_rasterio_libs.glob("libgdal*.so*")))
GEOS_LIBRARY_PATH = str(next(_rasterio_libs.glob("libgeos_c*.so*")))

VAR_DIR = paths.var_dir()
REGION_SLUG = env("BIOCCIA_REGION", default="demo")
FILES_DIR = VAR_DIR / REGION_SLUG


def _secret_key() -> str:
    """The key of the environment, or one made once and kept beside the data, readable by its owner only."""
    if key := env("SECRET_KEY", default=""):
        return key
    file = VAR_DIR / "secret_key"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(50))
        try:
            os.link(aside, file)  # fails where another process was first: its key is the key
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return file.read_text().strip()


SECRET_KEY = _secret_key()
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
USE_TLS = env.bool("USE_TLS", default=False)
DEMONSTRATION = env.bool("BIOCCIA_DEMONSTRATION", default=not env("DATABASE_URL", default=""))

INSTALLED_APPS = [
    "feedback",
    "habitats",
    "species",
    "ml",
    "territories",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "leaflet",
    "pghistory",
    "pgtrigger",
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_gis",
]

MIDDLEWARE = [
    "bioccia.metrics.RequestMetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "bioccia.short_way.ShortWayMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "csp.middleware.CSPMiddleware",
    "bioccia.body_size.BodySizeMiddleware",
    "bioccia.errors.ErrorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

PROMETHEUS_COLLECTORS = ["ml.metrics.RunCollector"]
SHORT_WAY_PREFIXES = ("/tiles/", "/healthz", "/readyz", "/metrics")

ROOT_URLCONF = "bioccia.urls"
WSGI_APPLICATION = "bioccia.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "territories.context.region",
            ],
        },
    },
]

DATABASES = {
    "default": {
        **(env.db_url("DATABASE_URL") if env("DATABASE_URL", default="") else paths.private_database(REGION_SLUG)),
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": env("TEST_DATABASE", default=None)},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "territories.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ANONYMOUS_USER_NAME = None  # guardian: visitors hold no grant at all
GUARDIAN_MONKEY_PATCH_USER = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "habitats:map"
LOGOUT_REDIRECT_URL = "habitats:map"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "territories.accounts.ClosedAccountAdapter"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
SOCIALACCOUNT_PROVIDERS = {}
if OIDC_SERVER := env("OIDC_SERVER_URL", default=""):
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "APPS": [
            {
                "provider_id": "proconnect",
                "name": "ProConnect",
                "client_id": env("OIDC_CLIENT_ID"),
                "secret": env("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": OIDC_SERVER},
            }
        ]
    }

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Paris"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False
MEDIA_ROOT = FILES_DIR / "uploads"

REDIS_URL = env("REDIS_URL", default="") or paths.private_redis_url()
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)  # the same socket, in Celery's words
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = 2
CELERY_TASK_DEFAULT_QUEUE = f"bioccia-{REGION_SLUG}"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"bioccia:{REGION_SLUG}:",
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    "visibility_timeout": 6 * 3600,
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(FILES_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "wake silent runs": {"task": "ml.dispatch_runs", "schedule": 5.0, "options": {"expires": 5}},
    "say the worker lives": {"task": "ml.note_worker", "schedule": 10.0, "options": {"expires": 10}},
    "end mandates of the past": {"task": "territories.refresh_grants", "schedule": 3600.0},
    "send the mail that waits": {"task": "territories.send_mail", "schedule": 20.0, "options": {"expires": 20}},
    "open and close rounds": {"task": "feedback.turn_rounds", "schedule": 60.0, "options": {"expires": 60}},
    "advance the year": {"task": "feedback.advance_cycles", "schedule": 10.0, "options": {"expires": 10}},
    "follow new maps": {"task": "feedback.follow_new_maps", "schedule": 60.0, "options": {"expires": 60}},
    "remind and expire": {"task": "feedback.expire_reports", "schedule": 3600.0},
}
# A run's kind, and the doorbell that plays it. The dispatcher in ml reads this and imports no app above it.
RUN_TASKS = {
    "year": "habitats.play_run",
    "training": "habitats.play_run",
    "mapping": "habitats.play_run",
    "ablation": "habitats.play_run",
    "publication": "feedback.play_publication",
}
RUN_HEARTBEAT_SECONDS = 5
RUN_SILENT_SECONDS = 30
RUN_MAX_FRUITLESS_STARTS = 6
# A map that several workers draw: where they leave their chunks (a path or s3://bucket/folder; empty: one worker draws
# it alone), into how many chunks it is dealt, and how many free workers are called every time the dispatcher wakes.
MAP_SHARED_URL = env("MAP_SHARED_URL", default="")
MAP_CHUNKS = env.int("MAP_CHUNKS", default=64)
RUN_HELPERS = env.int("RUN_HELPERS", default=1)
RUN_HELP_TASKS = {"year": "habitats.help_map", "mapping": "habitats.help_map"}
RUN_CALL_SECONDS = 5
SHARED_STEP = "map_by_windows"

# Reports lean towards visible errors: what one weighs in training beside a surveyed place, and what is left of it for
# each year that passes while its correction holds.
REPORT_SAMPLE_WEIGHT = env.float("REPORT_SAMPLE_WEIGHT", default=0.5)
REPORT_SAMPLE_CELLS = env.int("REPORT_SAMPLE_CELLS", default=25)
CARRIED_SAMPLE_DECAY = env.float("CARRIED_SAMPLE_DECAY", default=0.7)
# Above this confidence of the new map (%), cells that became a third habitat end an earlier correction's hold.
CHANGE_CONFIDENCE = env.int("CHANGE_CONFIDENCE", default=90)

# The consultation: what a report may be, how long each waits, when one signature is not enough.
REPORT_MAX_AREA_M2 = 20_000_000.0
REPORT_MAX_VERTICES = 10_000
REPORT_MAX_POLYGONS = 20
REPORT_MAX_COMMENT = 4_000
REPORT_MAX_OBSERVATION_YEARS = 10
REPORT_LOCK_MINUTES = 30
REPORT_ANSWER_DAYS = 60
QUESTION_DAYS = 21
QUESTION_REMINDER_DAYS = 7  # before the end of QUESTION_DAYS
APPEAL_DAYS = 60
SECOND_SIGNATURE_AREA_M2 = 100_000.0

# Mail waits in the outbox: how many leave at each ring, and when an address is given up.
MAIL_BATCH = 50
MAIL_MAX_FAILURES = 8

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["bioccia.api.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "bioccia.api.pages.BoundedLimitOffsetPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "bioccia.errors.answer_api_error",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "bioccia",
    "DESCRIPTION": "Regional map of natural habitats: vintages, polygons, samples, model versions, runs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "RunStateEnum": "ml.states.RunState",
        "StepStateEnum": "ml.states.StepState",
        "VersionStateEnum": "ml.states.VersionState",
        "ReleaseStateEnum": "feedback.states.ReleaseState",
        "VintageStateEnum": "habitats.states.VintageState",
        "RoundStateEnum": "feedback.states.RoundState",
        "ReportStateEnum": "feedback.states.ReportState",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "bioccia.api.problems.document_problems",
        "bioccia.api.problems.document_geometries",
    ],
}

LEAFLET_CONFIG = {
    "DEFAULT_CENTER": (43.6, 2.3),
    "DEFAULT_ZOOM": 8,
    "MIN_ZOOM": 5,
    "MAX_ZOOM": 18,
    "TILES": [],
    "SCALE": "metric",
    "ATTRIBUTION_PREFIX": "bioccia",
    "RESET_VIEW": False,
    "NO_GLOBALS": False,
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        # Leaflet and Bootstrap place elements by style attributes set from script, which this does not touch.
        "img-src": [SELF, "data:", "blob:", "https://data.geopf.fr"],
        "connect-src": [SELF, "https://data.geopf.fr"],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "worker-src": [SELF, "blob:"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_TLS
SECURE_SSL_REDIRECT = USE_TLS
SECURE_HSTS_SECONDS = 31_536_000 if USE_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if USE_TLS else None
# What a request may weigh: without files, with files.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
LARGEST_MULTIPART_BYTES = 80 * 1024 * 1024
# Of a report: files, bytes of each, pixels of a picture (decoded, each takes 3 bytes).
ATTACHMENTS_PER_REPORT = 4
LARGEST_ATTACHMENT_BYTES = 16 * 1024 * 1024
LARGEST_PICTURE_PIXELS = 50_000_000

EMAIL_BACKEND = env("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="bioccia@example.org")

LOGGING = structlog_settings(debug=DEBUG)
LOGGING_CONFIG = "logging.config.dictConfig"
API_APPS = ["territories", "ml", "species", "habitats", "feedback"]
