"""The one settings file. Everything that differs between machines comes from the environment (config/env.py).

Without DATABASE_URL the checkout is *local*: an embedded PostgreSQL and broker under .data/, a generated
secret key, plain http. With it, everything a public host needs must be given, and `manage.py check --deploy`
says what is missing.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from config import embedded, env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("PREEMPT_DATA_DIR", str(BASE_DIR / ".data")))
LOCAL = not env.text("DATABASE_URL")
DEMO = LOCAL and env.boolean("PREEMPT_DEMO", False)  # set by `manage.py demo` for the processes it starts


def _local_secret() -> str:
    """A secret for this checkout only, made once; a public host must set SECRET_KEY."""
    path = DATA_DIR / "secret_key"
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"secret_key.{secrets.token_hex(4)}")
        beside.touch(mode=0o600)
        beside.write_text(secrets.token_urlsafe(50))
        try:
            path.hardlink_to(beside)  # the first of two racing processes wins
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return path.read_text()


SECRET_KEY = env.text("SECRET_KEY") or (_local_secret() if LOCAL else "")
if not SECRET_KEY:
    raise env.BadSetting(
        "SECRET_KEY is not set. Give a public host a long random text, by SECRET_KEY or SECRET_KEY_FILE."
    )
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if LOCAL else [])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [])

INSTALLED_APPS = [
    "config.apps.ConfigApp",
    "core.apps.CoreApp",
    "kb.apps.KbApp",
    "contacts.apps.ContactsApp",
    "notifications.apps.NotificationsApp",
    "analytics.apps.AnalyticsApp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "config.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.requests.RequestLogMiddleware",
    "core.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.visitors.VisitorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
                "core.shop.context",
                "core.roles.context",
            ],
        },
    }
]

# --- Database and broker ---

DATABASE_URL = env.text("DATABASE_URL") or embedded.url(DATA_DIR, database=env.text("PREEMPT_DATABASE", "preempt"))


def _database(url: str, *, pool: dict[str, int], **options: object) -> dict[str, object]:
    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        # The pool tries a connection before it hands it out: the server may have restarted.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"max_size": env.integer("DB_POOL_SIZE", 8, at_least=1), **pool},
            **options,
            **parts,
        },
    }


DATABASES = {"default": _database(DATABASE_URL, pool={"min_size": 1, "timeout": 10})}

# Searches only, and only those of the database engine; where it does not answer, the primary does.
REPLICA_URL = env.text("REPLICA_URL")
SEARCH_DATABASE_ALIAS = "replica" if REPLICA_URL else "default"
if REPLICA_URL:
    # Seconds, not minutes: a visitor waits while the replica is found to be away.
    _replica = _database(REPLICA_URL, pool={"min_size": 0, "timeout": 2}, connect_timeout=2)
    DATABASES["replica"] = {**_replica, "TEST": {"MIRROR": "default"}}

# Celery is a doorbell: state lives in rows, every task may run twice (docs/decisions/0002-broker-pgmq.md).
BROKER_URL = env.text("BROKER_URL")
if BROKER_URL:
    CELERY_BROKER_URL = BROKER_URL
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum" if BROKER_URL.startswith("amqp") else None
    CELERY_WORKER_DETECT_QUORUM_QUEUES = True
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = (
        {"confirm_publish": True} if BROKER_URL.startswith("amqp") else {}
    )
else:
    CELERY_BROKER_URL = "pgmq://database"  # no more than a name: config/broker.py asks Django where it is
    CELERY_BROKER_TRANSPORT = "config.broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "init_extension": False,
        "use_notify": True,
        "wait_time_seconds": 0,
        "visibility_timeout": 120,
        "polling_interval": 1,
        "pool_size": 4,
    }
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # it makes a queue, which is a table, for each worker that ever ran
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_TASK_DEFAULT_QUEUE = "preempt"
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # every entry is an interval: nothing to remember between runs
CELERY_BEAT_SCHEDULE = {
    "send what is ready": {"task": "notifications.drain_all", "schedule": 5.0},
    "read what the mail provider reported": {"task": "notifications.read_inbound", "schedule": 10.0},
    "settle broken sends": {"task": "notifications.reap", "schedule": 30.0},
    "look for trouble with parcels": {"task": "notifications.sweep", "schedule": 600.0},
    "bring the search index up to date": {"task": "kb.apply_index_changes", "schedule": 60.0},
    # Several times a day, since the count starts anew with the process: once a day might never come.
    "forget old searches, gather popular queries": {"task": "kb.tidy_searches", "schedule": 6 * 3600.0},
    "learn from what searches led to": {"task": "analytics.learn_from_searches", "schedule": 6 * 3600.0},
    "learn what new articles mean": {"task": "kb.make_vectors", "schedule": 20.0},
    "settle journeys": {"task": "analytics.settle", "schedule": 300.0},
}

# --- The shop ---

SHOP_NAME = env.text("SHOP_NAME", "Fernhill & Co")
SHOP_ACCENT = env.text("SHOP_ACCENT", "#1d5c42")  # of e-mails; pages take theirs from static/css/tokens.css
SHOP_TIME_ZONE = env.text("SHOP_TIME_ZONE", "Europe/London")
SITE_URL = env.text("SITE_URL", "http://localhost:8000").rstrip("/")

USE_TZ = True
TIME_ZONE = SHOP_TIME_ZONE  # what people see; the database and the code keep UTC
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]

# --- Sending ---

SENDGRID_API_KEY = env.text("SENDGRID_API_KEY")
SENDGRID_URL = env.text("SENDGRID_URL", "https://api.sendgrid.com").rstrip("/")  # a fake in tests and replays
SENDGRID_EVENT_PUBLIC_KEY = env.text("SENDGRID_EVENT_PUBLIC_KEY")
MAIL_FROM = env.text("MAIL_FROM", "help@fernhill.example.com")
MAIL_PROVIDER = env.text("MAIL_PROVIDER", "sendgrid" if SENDGRID_API_KEY else "console")
HOLDOUT_SHARE = env.fraction("HOLDOUT_SHARE", 0.10)
# After this many seconds without an event from the provider a send whose answer was lost is looked into.
UNKNOWN_AFTER_SECONDS = env.integer("UNKNOWN_AFTER_SECONDS", 1800, at_least=1)
SEND_LEASE_SECONDS = env.integer("SEND_LEASE_SECONDS", 60, at_least=2)

# --- Learning ---

OUTCOME_WINDOW_DAYS = env.integer("OUTCOME_WINDOW_DAYS", 7, at_least=1)
JOURNEY_IDLE_MINUTES = 30

# --- Search ---

SEARCH_ENGINE = env.choice("SEARCH_ENGINE", "whoosh", among=("whoosh", "postgres", "opensearch"))
SEARCH_INDEX_DIR = Path(env.text("SEARCH_INDEX_DIR", str(DATA_DIR / "index")))
OPENSEARCH_URL = env.text("OPENSEARCH_URL").rstrip("/")
OPENSEARCH_PREFIX = env.text("OPENSEARCH_PREFIX", "preempt")  # of the names of its indexes
OPENSEARCH_USER, OPENSEARCH_PASSWORD = env.text("OPENSEARCH_USER"), env.text("OPENSEARCH_PASSWORD")
SEARCH_LOG_DAYS = env.integer("SEARCH_LOG_DAYS", 180, at_least=1)
SEARCH_SLOW_MS = env.integer("SEARCH_SLOW_MS", 100, at_least=1)
# Ranking by what readers of an article did next: for nobody, for half of the visitors (a test), for everybody.
SEARCH_LEARNING = env.choice("SEARCH_LEARNING", "test", among=("off", "test", "on"))

# Search by meaning, where its packages are installed (make semantic); else, and where this is off, by words alone.
SEARCH_MEANING = env.boolean("SEARCH_MEANING", True)

# --- The API ---

REST_FRAMEWORK = {
    # Nothing is open by default: each view names who may use it (kb/api.py).
    "DEFAULT_AUTHENTICATION_CLASSES": ["core.api.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.on_error",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Preempt",
    "DESCRIPTION": "Search of the help centre. Errors are problem details (RFC 9457).",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- Pages ---

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGIN_URL = "desk:sign-in"
LOGIN_REDIRECT_URL = "desk:home"
LOGOUT_REDIRECT_URL = "desk:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not LOCAL
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", not LOCAL)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.boolean("BEHIND_PROXY", False) else None
SECURE_HSTS_SECONDS = 0 if LOCAL else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Logs: one JSON object a line ---

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(levelname)s %(name)s %(message)s",
            "timestamp": "at",  # UTC, with its offset
            "rename_fields": {"levelname": "level", "name": "logger"},
        }
    },
    # Links and queries hold what people own or wrote; Django's own lines on failed requests would repeat them.
    "filters": {"discreet": {"()": "core.requests.Discreet"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["discreet"]}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": [], "propagate": False},
        "httpx": {"level": "WARNING"},  # else a line for every question to a search server
    },
}
