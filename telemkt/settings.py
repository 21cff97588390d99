"""Settings. Everything that differs between installations comes from the environment:

DATABASE_URL, DATABASE_REPLICA_URL, REDIS_URL   servers; without them the embedded ones
TELEMKT_HOME                                    state: keys, files, embedded servers (default: var)
SECRET_KEY                                      else made on first start under TELEMKT_HOME/keys
ALLOWED_HOSTS, CSRF_TRUSTED_ORIGINS             comma separated
BEHIND_TLS=1                                    secure cookies, redirect, HSTS; trusts X-Forwarded-Proto and the last address of X-Forwarded-For
REGION_TIME_ZONE                                the zone in which business days are cut
SIMULATOR_SPEED                                 how many times faster than life the simulated telephone is (1)
SIMULATOR_INBOUND_PERCENT                       how often somebody calls in on it when an agent asks for the next customer (0)
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS=1, EMAIL_FROM
                                                the mail server of the house; without EMAIL_HOST nobody is written to
ALERT_EMAILS                                    who is written to besides administrators with an address, comma separated
SURVEY_URL                                      the address of this system as customers reach it, for links in surveys
SURVEY_SENDER                                   what sends text messages of surveys (qa.texting.Simulator: nothing leaves the house)
DEBUG=1                                         developers only
"""

import importlib.util
import os
from datetime import timedelta
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from telemkt.stack import home, secrets, urls


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


def _words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


BASE_DIR = Path(__file__).resolve().parent.parent
TELEMKT_HOME = home.home()
KEYS_DIR = home.keys_directory()
FILES_DIR = home.files_directory()
CHECK_KEY_RING = True
AUDIT_HEADS_DIR = home.home() / "audit"

DEBUG = _flag("DEBUG")
BEHIND_TLS = _flag("BEHIND_TLS")
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.secret("secret_key")
ALLOWED_HOSTS = _words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = _words("CSRF_TRUSTED_ORIGINS")

SURVEY_URL = os.environ.get("SURVEY_URL", "http://127.0.0.1:8000")
SURVEY_SENDER = os.environ.get("SURVEY_SENDER", "qa.texting.Simulator")

# Lowest floor first: each imports only those before it (pyproject.toml, [tool.importlinter]).
LOCAL_APPS = ["core", "people", "customers", "scripts", "campaigns", "metrics", "qa", "staffing"]

INSTALLED_APPS = [
    "telemkt",
    *reversed(LOCAL_APPS),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "pghistory",
    "pgtrigger",
    "rest_framework",
    "rest_framework.authtoken",
    "template_partials",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "core.middleware.RefusalMiddleware",
]
if importlib.util.find_spec("people.middleware"):
    # After the log-in is known, before anything is rendered: the person's language and theme.
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.contrib.auth.middleware.LoginRequiredMiddleware"),
        "people.middleware.PersonMiddleware",
    )

ROOT_URLCONF = "telemkt.urls"
WSGI_APPLICATION = "telemkt.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
                "csp.context_processors.nonce",
            ],
        },
    },
]
FORM_RENDERER = "telemkt.forms.HouseRenderer"
if importlib.util.find_spec("telemkt.navigation"):
    TEMPLATES[0]["OPTIONS"]["context_processors"].append("telemkt.navigation.navigation")

# -- Databases ---------------------------------------------------------------------------------------------------------


def _database(name: str) -> dict:
    database = urls.database(name)
    # a new connection plans everything anew: those of pages live long
    database |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
    database["OPTIONS"] = {"connect_timeout": "5", "application_name": "telemkt"} | database["OPTIONS"]
    seconds = os.environ.get("DATABASE_STATEMENT_SECONDS", "")
    if seconds.isdecimal() and int(seconds):
        # only web processes have one (telemkt/wsgi.py): workers and commands take the time they need
        limit = f"-c statement_timeout={int(seconds)}s"
        database["OPTIONS"]["options"] = f"{database['OPTIONS'].get('options', '')} {limit}".strip()
    return database


DATABASES = {"default": _database("DATABASE_URL")}
if os.environ.get("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = _database("DATABASE_REPLICA_URL") | {"TEST": {"MIRROR": "default"}}

# The alias for heavy reads that may lag: reports and exports.
REPORTS_DATABASE = "replica" if "replica" in DATABASES else "default"

# -- People ------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "people.backends.PersonBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "people:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "people:login"

AXES_FAILURE_LIMIT = 5
AXES_CLIENT_IP_CALLABLE = "core.addresses.client_ip"
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "people/login.html"

SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = BEHIND_TLS
CSRF_COOKIE_HTTPONLY = False
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = BEHIND_TLS
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = BEHIND_TLS

# -- Telephone ---------------------------------------------------------------------------------------------------------

SIMULATOR_SPEED = float(os.environ.get("SIMULATOR_SPEED") or 1)
SIMULATOR_INBOUND_PERCENT = float(os.environ.get("SIMULATOR_INBOUND_PERCENT") or 0)

# -- Security ----------------------------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = int(os.environ.get("HSTS_SECONDS", "3600" if BEHIND_TLS else "0"))
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "style-src": [SELF, NONCE],
        "style-src-attr": ["'unsafe-inline'"],  # ECharts and Bootstrap place things by style attributes
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# A list of 200,000 rows is a file of about 20 MB; files go to disk, so this bounds only forms and JSON.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# -- Languages and time ------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "telemkt.formats"
USE_THOUSAND_SEPARATOR = True
TIME_ZONE = os.environ.get("REGION_TIME_ZONE") or "Asia/Shanghai"

# -- E-mail: alerts alone, and never with personal data ------------------------------------------------------------------

EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT") or 25)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM") or "telemkt@localhost"
ALERT_EMAILS = _words("ALERT_EMAILS")

# -- Requests of persons about their data ------------------------------------------------------------------------------

PERSON_REQUEST_DAYS = int(os.environ.get("PERSON_REQUEST_DAYS") or 15)  # until a person must be answered
ORDER_KEPT_DAYS = int(os.environ.get("ORDER_KEPT_DAYS") or 3 * 365)  # so long after an order nobody is erased

# -- Files -------------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = TELEMKT_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = FILES_DIR
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FILES_DIR, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# -- API ---------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # DRF exempts itself from LoginRequiredMiddleware: without this every endpoint would be open.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api_errors.exception_handler",
    "PAGE_SIZE": 100,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "telemkt",
    "DESCRIPTION": "Lead lists, calls, orders and indicators of a telemarketing centre.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # two fields of one name with other words
    "ENUM_NAME_OVERRIDES": {
        "CostKindEnum": "campaigns.models.Cost.Kind",
        "DataRequestOrderEnum": "campaigns.models.DataRequest.Order",
        "SegmentAllocationOrderEnum": "campaigns.models.SegmentAllocation.Order",
        "EvaluationAnswerEnum": "qa.models.forms.ANSWERS",
        "GateReviewVerdictEnum": "qa.models.GateReview.Verdict",
    },
}

# -- Work in the background --------------------------------------------------------------------------------------------
# The jobs are rows in PostgreSQL; what passes through the broker only wakes a worker and may be lost.

CELERY_BROKER_URL = urls.broker()
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "fast"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_SOFT_TIME_LIMIT = 6000
CELERY_TASK_TIME_LIMIT = 6600
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 7200,  # longer than any task may run, or it would run twice
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE

# What one process keeps for itself, and what all of them keep together.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "shared": {
        "BACKEND": "core.shared_cache.SharedCache",
        "LOCATION": urls.shared_cache(),
        "KEY_PREFIX": "telemkt",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    },
}

# -- Logging -----------------------------------------------------------------------------------------------------------
# Lines name rows by id. Nothing here prints request bodies, query strings or SQL parameters.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.db.backends": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
    },
}
