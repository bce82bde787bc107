"""The one settings file. Everything that differs between machines comes from the environment (config/env.py).

Without DATABASE_URL the checkout is *local*: an embedded PostgreSQL and broker under .data/, a generated
secret key, plain http. With it, everything a public host needs must be given, and `manage.py check --deploy`
says what is missing.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from config import embedded, env, languages

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
CSRF_FAILURE_VIEW = "kb.views.refused.csrf_failed"
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
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]

MIDDLEWARE = [
    "config.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.requests.RequestLogMiddleware",
    "notifications.views.webhooks.WebhookMiddleware",
    "core.csp.ContentSecurityPolicyMiddleware",
    "core.embedding.EmbeddingMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.accounts.sessions.DeskSessionMiddleware",
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
            "builtins": ["core.templatetags.look"],
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
        "ENGINE": "core.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        # The pool tries a connection before it hands it out (core/postgresql): the server may have restarted.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"max_size": env.integer("DB_POOL_SIZE", 8, at_least=1), **pool},
            "prepare_threshold": 2,  # for core/postgresql's prepared(); all else sends no statement that could be kept
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
    "read what the mail provider reported": {"task": "notifications.read_inbound", "schedule": 5.0},
    "read what shops and trackers posted": {"task": "notifications.take_in_webhooks", "schedule": 5.0},
    "take in what waited for its order or parcel": {"task": "notifications.take_in_parked", "schedule": 60.0},
    "notice sources that have gone quiet": {"task": "notifications.watch_sources", "schedule": 600.0},
    "fetch the keys that ShipEngine signs with": {
        "task": "notifications.fetch_shipengine_keys",
        "schedule": 6 * 3600.0,
    },
    "settle broken sends": {"task": "notifications.reap", "schedule": 30.0},
    "go on with imports of orders that nobody is at": {"task": "notifications.look_after_imports", "schedule": 60.0},
    "go on with incidents that nobody is at": {"task": "notifications.plan_incidents", "schedule": 60.0},
    "look for trouble with parcels": {"task": "notifications.sweep", "schedule": 60.0},
    "look after promised updates": {"task": "notifications.look_at_obligations", "schedule": 60.0},
    "learn how long parcels take": {"task": "notifications.learn_transit_times", "schedule": 6 * 3600.0},
    # Once a day: the task looks whether today's was done.
    "learn to foretell delays": {"task": "notifications.train_delays", "schedule": 3600.0},
    "forecast the open parcels": {"task": "notifications.forecast_delays", "schedule": 3 * 3600.0},
    "bring the search index up to date": {"task": "kb.apply_index_changes", "schedule": 60.0},
    "put facts and blocks that changed into articles": {"task": "kb.refill", "schedule": 30.0},
    # Several times a day, since the count starts anew with the process: once a day might never come.
    "forget old searches, gather popular queries": {"task": "kb.tidy_searches", "schedule": 6 * 3600.0},
    # Four times a minute, so that what is planned for 9:00 is there at 9:00 and not a minute later.
    "do what is planned for articles": {"task": "kb.do_planned", "schedule": 15.0},
    "learn from what searches led to": {"task": "analytics.learn_from_searches", "schedule": 6 * 3600.0},
    "go on with imports that nobody is at": {"task": "kb.look_after_imports", "schedule": 60.0},
    "learn what new articles mean": {"task": "kb.make_vectors", "schedule": 20.0},
    # After each change of what search answers by, and each night; nothing to do at most times.
    "run the search tests": {"task": "kb.check_search_tests", "schedule": 20.0},
    # A slice each time; an address has its turn once a week.
    "ask whether links still open": {"task": "kb.check_links", "schedule": 900.0},
    "look where links within the site lead": {"task": "kb.follow_links", "schedule": 3600.0},
    "remind owners of reviews": {"task": "kb.remind_of_reviews", "schedule": 3600.0},
    "go on with changes of many articles": {"task": "kb.work_on_bulk_changes", "schedule": 60.0},
    "count what became of articles' readers": {"task": "analytics.count_article_results", "schedule": 3600.0},
    # Once a night each: the tasks look whether this day's was done.
    "judge tests of articles": {"task": "analytics.judge_experiments", "schedule": 1800.0},
    "weigh the arms of tests that earn": {"task": "analytics.weigh_experiments", "schedule": 1800.0},
    "settle journeys": {"task": "analytics.settle", "schedule": 300.0},
    # Once a night, and what waits or was broken off.
    "look into contacts": {"task": "analytics.examine_contacts", "schedule": 600.0},
    "look after the weeks of events": {"task": "analytics.look_after_weeks", "schedule": 3600.0},
    "confirm the messages that came in": {"task": "contacts.confirm", "schedule": 60.0},
    "go on with erasures that wait or that nobody is at": {"task": "config.look_after_erasures", "schedule": 30.0},
    "throw away pictures that no text shows": {"task": "kb.sweep_pictures", "schedule": 6 * 3600.0},
    "throw away files that were never sent": {"task": "contacts.sweep_attachments", "schedule": 3600.0},
}

# --- The shop ---

SHOP_NAME = env.text("SHOP_NAME", "Fernhill & Co")  # with its leaf as the icon: core/brand_look.py
SHOP_ACCENT = env.text("SHOP_ACCENT", "#1d5c42")  # of pages and e-mails, until the desk's page Brand says otherwise
SHOP_TIME_ZONE = env.text("SHOP_TIME_ZONE", "Europe/London")
SITE_URL = env.text("SITE_URL", "http://localhost:8000").rstrip("/")
SHOP_HOSTS = env.words("SHOP_HOSTS", [])  # www.example.com …: whose pages tell what a visitor was doing there

# Carriers' own tracking pages beyond those of notifications/carriers.py: "Larkpost=https://track.example.com/?no={}".
TRACKING_PAGES = env.pairs("TRACKING_PAGES")

# The shop's pages that may show our panel: https://shop.example.com, https://*.example.com (docs/widget.md).
WIDGET_HOSTS = env.origins("WIDGET_HOSTS")

USE_TZ = True
TIME_ZONE = SHOP_TIME_ZONE  # what people see; the database and the code keep UTC
USE_I18N = True
# The first is the default: what browsers get that ask for none of them, and whose articles stand in for missing ones.
LANGUAGES = languages.served(env.words("LANGUAGES", list(languages.BUILT_IN)))
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]

# --- Where orders and tracking come from (notifications/intake/sources.py, docs/desk-sources.md) ---

# Several of one source are valid at once, while one is being changed for another. None lets nothing in.
INTAKE_SECRETS = {
    name: env.words(f"PREEMPT_{name.upper()}_SECRETS", [])
    for name in ("shopify", "woocommerce", "aftership", "easypost", "shippo", "shipengine", "own")
}

# --- Sending ---

SENDGRID_API_KEY = env.text("SENDGRID_API_KEY")
SENDGRID_URL = env.text("SENDGRID_URL", "https://api.sendgrid.com").rstrip("/")  # a fake in tests and replays
SENDGRID_EVENT_PUBLIC_KEY = env.text("SENDGRID_EVENT_PUBLIC_KEY")
MAIL_FROM = env.text("MAIL_FROM", "help@fernhill.example.com")
MAIL_PROVIDER = env.text("MAIL_PROVIDER", "sendgrid" if SENDGRID_API_KEY else "console")
MAIL_FAILOVER = env.text("MAIL_FAILOVER")  # gets what is provably not sent while the other takes nothing
SMTP_URL = env.text("SMTP_URL")
# What the sender check (notifications/sender) cannot see for itself: the domain that bounces go to, the signature's.
MAIL_RETURN_PATH = env.text("MAIL_RETURN_PATH")
DKIM_DOMAIN = env.text("DKIM_DOMAIN")
DKIM_SELECTORS = env.words("DKIM_SELECTORS", [])  # beside SendGrid's s1 and s2, where it sends
DNS_SERVERS = env.words("DNS_SERVERS", [])  # 192.0.2.53 or 192.0.2.53:5353; this machine's own where there are none
HOLDOUT_SHARE = env.fraction("HOLDOUT_SHARE", 0.10)
# After this many seconds without an event from the provider a send whose answer was lost is looked into.
UNKNOWN_AFTER_SECONDS = env.integer("UNKNOWN_AFTER_SECONDS", 1800, at_least=1)
SEND_LEASE_SECONDS = env.integer("SEND_LEASE_SECONDS", 60, at_least=2)
QUIET_HOURS = env.hours("QUIET_HOURS", "21:00-08:00")  # where the recipient is
MESSAGES_PER_DAY = env.integer("MESSAGES_PER_DAY", 4)  # to one person; 0: as many as there are
MAIL_RATE_PER_SECOND = env.integer("MAIL_RATE_PER_SECOND", 1000)  # to one provider; 0: as fast as it goes

# Django's own way to send mail ends at the provider above (notifications/mail_backend.py).
EMAIL_BACKEND = "notifications.mail_backend.ProviderBackend"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = MAIL_FROM

# --- The contact form ---

SUPPORT_ADDRESS = env.text("SUPPORT_ADDRESS", MAIL_FROM)  # where an answer to our confirmation goes
# Hours within which a person answers, told to customers; 0 tells them nothing.
SUPPORT_ANSWERS_WITHIN = env.integer("SUPPORT_ANSWERS_WITHIN", 0)
# The share of visitors without suggestions, to measure what they do; until the desk sets another.
SUGGESTIONS_OFF_SHARE = env.fraction("SUGGESTIONS_OFF_SHARE", 0.10)
# Private: outside of everything that is served. Every host of the site must see the same folder.
ATTACHMENTS_DIR = Path(env.text("ATTACHMENTS_DIR", str(DATA_DIR / "attachments")))
ATTACHMENTS_MAX = env.integer("ATTACHMENTS_MAX", 5)  # files with one message
ATTACHMENT_MAX_MB = env.integer("ATTACHMENT_MAX_MB", 10, at_least=1)  # each
ATTACHMENTS_TOTAL_MB = env.integer("ATTACHMENTS_TOTAL_MB", 25, at_least=1)  # together
ATTACHMENT_MAX_MEGAPIXELS = env.integer("ATTACHMENT_MAX_MEGAPIXELS", 64, at_least=1)

# --- Learning ---

OUTCOME_WINDOW_DAYS = env.integer("OUTCOME_WINDOW_DAYS", 7, at_least=1)
JOURNEY_IDLE_MINUTES = 30
# The reason, with everything under it, that says "where is my order": the WISMO rate counts it.
WISMO_REASON = env.text("WISMO_REASON", "order_status")
# Older weeks are thrown away, unless something undecided needs them (analytics/partitions.py).
EVENT_RETENTION_DAYS = env.integer("EVENT_RETENTION_DAYS", 730, at_least=90)
# Private, and on a disk of the machine's own: what a web process saw last, until it is in the database.
EVENT_SPOOL_DIR = Path(env.text("EVENT_SPOOL_DIR", str(DATA_DIR / "events")))

# --- Articles ---

FOUR_EYES = env.boolean("FOUR_EYES", False)  # nobody publishes a text that they have written (kb/four_eyes.py)
ARTICLE_REVIEW_DAYS = env.integer("ARTICLE_REVIEW_DAYS", 180)  # until an article is due for review; 0: never by itself
REVIEW_REMINDER_DAYS = env.integer("REVIEW_REMINDER_DAYS", 14, at_least=1)  # until an owner is reminded again
# Without a reader, after which an article that nothing links to is an orphan.
ORPHAN_DAYS = env.integer("ORPHAN_DAYS", 90, at_least=1)

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
    "DESCRIPTION": "Search of the help centre; orders and tracking in. Errors are problem details (RFC 9457).",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {"TestStateEnum": "kb.models.ExperimentState"},
}

# --- Pages ---

STATIC_URL = "/static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False  # nobody else needs them, and each answer is 33 bytes shorter
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.Storage"},
}

# --- Accounts of the desk ---

# allauth's limits, and which sign-ins of a provider were used: every process must see the same.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "core_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
REQUIRE_SECOND_FACTOR = env.boolean("REQUIRE_SECOND_FACTOR", False) and not DEMO
SESSION_COOKIE_AGE = env.integer("SESSION_IDLE_HOURS", 12, at_least=1) * 3600  # since the last page; sliding
SESSION_LONGEST_DAYS = 14  # however busy somebody is
OIDC_ISSUER = env.address("OIDC_ISSUER")
OIDC_CLIENT_ID, OIDC_CLIENT_SECRET = env.text("OIDC_CLIENT_ID"), env.text("OIDC_CLIENT_SECRET")
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")  # "Continue with …"
OIDC_SCOPES = env.words("OIDC_SCOPES", [])  # asked for beside openid, profile and email
OIDC_ROLES_CLAIM = env.text("OIDC_ROLES_CLAIM").strip()  # where the provider says who may do what, mostly "groups"
OIDC_ROLES = env.lists("OIDC_ROLES")  # which of its values gives which roles (config/accounts/oidc_roles.py)
env.together(OIDC_ROLES_CLAIM=OIDC_ROLES_CLAIM, OIDC_ROLES=env.text("OIDC_ROLES"))
env.together(OIDC_ISSUER=OIDC_ISSUER, OIDC_CLIENT_ID=OIDC_CLIENT_ID, OIDC_CLIENT_SECRET=OIDC_CLIENT_SECRET)

ACCOUNT_ADAPTER = "config.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]  # nobody signs up; allauth derives the sign-in's fields from it
ACCOUNT_EMAIL_VERIFICATION = "none"  # addresses come from an administrator, by the invitation
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_RATE_LIMITS = {"login": ""}  # ours count instead: config/accounts/limits.py
ACCOUNT_SESSION_REMEMBER = True  # for SESSION_COOKIE_AGE
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if LOCAL else "https"
ACCOUNT_USERNAME_MIN_LENGTH = 2
MFA_ADAPTER = "config.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1  # a step of 30 seconds before and after; no code counts twice (config/accounts/codes.py)
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOCAL
MFA_ALLOW_UNVERIFIED_EMAIL = True  # see ACCOUNT_EMAIL_VERIFICATION
SOCIALACCOUNT_ADAPTER = "config.accounts.adapters.SocialAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": OIDC_CLIENT_ID,
                "secret": OIDC_CLIENT_SECRET,
                "settings": {
                    "server_url": OIDC_ISSUER,
                    "scope": ["openid", "profile", "email", *OIDC_SCOPES],
                },
            }
        ]
        if OIDC_ISSUER
        else [],
    }
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
DATA_UPLOAD_MAX_NUMBER_FILES = 1000  # so that whoever picks a whole folder gets the form's own words, not a bare 400

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
