"""Settings shared by every way of running the site; values come from `config.env`."""

from __future__ import annotations

from typing import Any

import dj_database_url
from django.utils.translation import gettext_lazy as _

from portrait_viewer.config.env import ROOT, read_env

ENV = read_env()
PROJECT_ROOT = ROOT

SECRET_KEY = ENV.secret_key
DEBUG = False
ALLOWED_HOSTS = list(ENV.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENV.trusted_origins)
ROOT_URLCONF = "portrait_viewer.config.urls"
ASGI_APPLICATION = "portrait_viewer.config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

INSTALLED_APPS = [
    "portrait_viewer.config.apps.PortraitAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "portrait_viewer.common",
    "portrait_viewer.audit",
    "portrait_viewer.accounts",
    "portrait_viewer.realtime",
    "portrait_viewer.cases",
    "portrait_viewer.slides",
    "portrait_viewer.tools",
    "portrait_viewer.analysis",
    "portrait_viewer.worklists",
    "portrait_viewer.viewer",
    "portrait_viewer.operations",
    "portrait_viewer.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portrait_viewer.common.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Default deny: a view is public only where it says so (login_not_required).
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "portrait_viewer.accounts.middleware.UserLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portrait_viewer.accounts.context.account",
                "portrait_viewer.operations.context.site",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

# --- Database -----------------------------------------------------------------
DATABASES: dict[str, Any] = {"default": dj_database_url.parse(ENV.database_url)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets readers go on while one writes; IMMEDIATE takes the write lock at BEGIN,
    # so that two writers queue up instead of failing half-way with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
        ),
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# --- Files --------------------------------------------------------------------
PORTRAIT_HOME = ENV.home
SLIDES_ROOT = ENV.home / "slides"
RESULTS_ROOT = ENV.home / "results"
UPLOADS_ROOT = ENV.home / "uploads"
for folder in (SLIDES_ROOT, RESULTS_ROOT, UPLOADS_ROOT):
    folder.mkdir(parents=True, exist_ok=True)
FILE_UPLOAD_TEMP_DIR = str(UPLOADS_ROOT)
FILE_UPLOAD_HANDLERS = ["portrait_viewer.common.uploads.DiskUploadHandler"]
UPLOAD_MAX_BYTES = ENV.upload_max_mb * 1024 * 1024
MIN_FREE_BYTES = ENV.min_free_mb * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

STATIC_URL = "/static/"
STATIC_ROOT = ENV.home / "static"
STATICFILES_DIRS = [
    ROOT / "static",
    ("vendor/openseadragon", ENV.node_modules / "openseadragon" / "build" / "openseadragon"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}

# --- Language -----------------------------------------------------------------
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [ROOT / "portrait_viewer" / "locale"]
LANGUAGE_COOKIE_NAME = "portrait_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "Europe/Paris"
USE_TZ = True

# --- Identity and browser security ---------------------------------------------
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "worklists:mine"
LOGOUT_REDIRECT_URL = "accounts:login"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- API ----------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portrait_viewer.common.api.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Portrait",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- Jobs ---------------------------------------------------------------------
CELERY_TASK_QUEUES_NAMES = ("slides", "cpu", "gpu")
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # the reaper alone re-queues lost jobs
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = ENV.job_time_limit_s + 60
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
if ENV.embedded:
    CELERY_BROKER_URL: str | None = "filesystem://localhost"
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(ENV.home / "broker" / "queue"),
        "data_folder_out": str(ENV.home / "broker" / "queue"),
        "control_folder": str(ENV.home / "broker" / "control"),
        "store_processed": False,
    }
else:
    CELERY_BROKER_URL = ENV.redis_url
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 2 * ENV.job_time_limit_s}
JOB_TIME_LIMIT_S = ENV.job_time_limit_s
JOB_HEARTBEAT_S = 5
JOB_LOST_AFTER_S = 30
JOB_MAX_ATTEMPTS = 3
JOB_DEVICE = ENV.device

# --- Live push ----------------------------------------------------------------
# Embedded: workers write to an outbox table that the web process reads every 200 ms.
REALTIME_OUTBOX = ENV.embedded
REALTIME_OUTBOX_INTERVAL_S = 0.2
CHANNEL_LAYERS: dict[str, Any] = {
    "default": (
        {"BACKEND": "channels.layers.InMemoryChannelLayer"}
        if ENV.embedded
        else {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [ENV.redis_url]},
        }
    )
}

DEMO_DATA = ENV.demo_data

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": ENV.log_level},
}
