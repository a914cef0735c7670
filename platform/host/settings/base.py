"""Settings that every deployment shares. Nothing here is secret and nothing here is a guess about the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

from host.engines import broker_settings, database_settings
from host.engines.broker import BROKER_TRANSPORT_OPTIONS
from host.engines.paths import default_home
from host.settings.cache import cache_settings
from host.settings.environment import choice, number
from host.settings.scorer import DEVICES, scorer_choice

django_stubs_ext.monkeypatch()  # lets `ModelAdmin[User]` stand at run time as it does for the type checker

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parents[3]
HOME_DIR = default_home()


def absolute(name: str) -> str:
    """A path from the environment, or nothing. Other processes work in other folders."""
    given = env.str(name, default="")
    return str(Path(given).absolute()) if given else ""


SERVICE = env.str("CLERESTORY_SERVICE", default="clerestory")  # the tenant id that every record carries
SURVEY_SHARE = 0.05  # of lists whose plan allows it, under which a short question stands
SERVICE_SIZE = env.str(
    "CLERESTORY_SERVICE_SIZE", default="platform"
)  # what the service is to the law: micro, platform, vlop
MODEL_REGISTRY = Path(env.str("CLERESTORY_MODELS", default="") or HOME_DIR / "models").absolute()
USER_CACHE_BYTES = number("CLERESTORY_USER_CACHE_BYTES", 128 * 1024 * 1024, least=0, most=2**40)
# Below float32 encoded people take less memory, and scores are close instead of exact.
USER_CACHE_PRECISION = choice("CLERESTORY_USER_CACHE_PRECISION", "float32", among=("float32", "float16", "int8"))
RANKER = env.str("CLERESTORY_RANKER", default="")  # an operator's own, by its class: docs/bring-your-own-ranker.md
DEVICE = choice("CLERESTORY_DEVICE", DEVICES[0], DEVICES)  # what a process that scores computes on
SCORER = scorer_choice("CLERESTORY_SCORER")  # "local": each process scores; "unix:/path": `manage.py scorer` does
SCORER_PLACES = number("CLERESTORY_SCORER_PLACES", 64, least=1, most=10_000)  # requests that may wait for it at once
SCORER_PATIENCE_MS = number("CLERESTORY_SCORER_PATIENCE_MS", 300, least=1, most=60_000)  # and for how long
AUDIT_LOG = {
    "folder": Path(env.str("CLERESTORY_AUDIT_LOG", default="") or HOME_DIR / "audit-log").absolute(),
    # Signs checkpoints; made once where no path is given. Keep it where the database's owner cannot read it.
    "key": Path(env.str("CLERESTORY_AUDIT_KEY", default="") or HOME_DIR / "keys" / "audit-log").absolute(),
    # The log's name in its signatures.
    "origin": env.str("CLERESTORY_AUDIT_ORIGIN", default=f"{SERVICE}.localhost/log"),
    "vkey": env.str("CLERESTORY_AUDIT_VKEY", default=""),  # for processes that check and may not read the key
    "second": absolute("CLERESTORY_AUDIT_SECOND"),  # a folder of somebody else's, for checkpoints alone
}
# Who cosigns the log's checkpoints (`vkey url`, separated by commas), and how many must; empty: all of them.
AUDIT_WITNESSES = env.str("CLERESTORY_AUDIT_WITNESSES", default="")
AUDIT_WITNESSES_NEEDED = env.str("CLERESTORY_AUDIT_WITNESSES_NEEDED", default="")
# Key-encryption keys of subjects' keys: files that no database server, dump or base backup ever sees.
AUDIT_KEYS = Path(env.str("CLERESTORY_AUDIT_KEYS", default="") or HOME_DIR / "keys" / "subjects").absolute()
# So many decisions of other rankers may wait for the log before their producers are asked to wait.
# Requests that one web process works on at once; it needs more threads than both together, to refuse the others.
WEB_PLACES = number("CLERESTORY_WEB_PLACES", 4, least=1, most=1000)
WEB_INGEST_PLACES = number("CLERESTORY_WEB_INGEST_PLACES", 2, least=1, most=1000)
INGEST_QUEUE = number("CLERESTORY_INGEST_QUEUE", 200_000, least=1, most=10_000_000)
AUDIT_COLD = {
    # Closed months of the audit store: a folder, or s3://bucket/prefix (credentials as AWS's own tools find them).
    "store": env.str("CLERESTORY_AUDIT_COLD", default="") or str(HOME_DIR / "audit-cold"),
    "beside": HOME_DIR / "audit-cold-local",  # of a bucket: its catalogue, and copies of files that were asked for
}
# What is withheld from auditors as a trade secret is sealed to this public key of a third party (X25519, 64 digits).
AUDIT_ESCROW_KEY = env.str("CLERESTORY_ESCROW_KEY", default="")
# What reads the titles of items before minors may see them: empty for our own, `none`, or an operator's class by name.
TEXT_CLASSIFIER = env.str("CLERESTORY_TEXT_CLASSIFIER", default="")
LABEL_POOL_LIST = number("CLERESTORY_POOL_LIST", 24, least=1, most=10_000)  # a tier that may see fewer than two: alarm
# What the items are, in the words of the public database of statements: named where a label restricts one.
CONTENT_TYPE = choice(
    "CLERESTORY_CONTENT_TYPE", "VIDEO", ("APP", "AUDIO", "IMAGE", "PRODUCT", "SYNTHETIC_MEDIA", "TEXT", "VIDEO")
)
STATEMENTS = {
    # Statements of reasons: where they are sent (DSA Art. 24(5); empty: not at all), with which token, as whom.
    "url": env.str("CLERESTORY_STATEMENTS_URL", default=""),
    "token": env.str("CLERESTORY_STATEMENTS_TOKEN", default=""),
    # Names of account holders, to be taken out of what is published: the rooms below know no accounts.
    "names": "host.statements.names.names_of",
    "subjects": "host.statements.names.subject_behind",  # whose an e-mail address is
}
MEDIA_ROOT = Path(env.str("CLERESTORY_FILES", default="") or HOME_DIR / "files").absolute()  # evidence of complaints
FILE_UPLOAD_HANDLERS = [
    "host.statements.uploads.Bounded",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
# The keys of age providers that are trusted (docs/age-and-limits.md); empty: no proof is taken.
AGE_PROVIDERS = absolute("CLERESTORY_AGE_PROVIDERS")
METRICS_TOKEN = env.str("CLERESTORY_METRICS_TOKEN", default="")  # empty: /metrics answers in demos only
DEMO = False
DEBUG = False

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "django_prometheus",
    "django_structlog",
    "csp",
    "django_htmx",
    "template_partials",
    "host.accounts",
    "host.dashboard",
    "host.outbox",
    "host.regulator_portal",
    "host.scorer",
    "host.statements",
    "host.transparency",
    "host.demo",
    "compliance.subjects",
    "compliance.assurance",
    "compliance.surveys",
    "compliance.audit",
    "compliance.limits",
    "compliance.labels",
    "compliance.policy",
    "compliance.serving",
    "compliance.statements",
    "ranking.catalogue",
    "ranking.serving",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "host.request_log.RequestLogMiddleware",  # early, so that what the others refuse is logged too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "host.api.cookies.PlainCookies",
    "host.api.privacy.PrivateAnswers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "host.dashboard.refusals.WordsForMethods",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "host.urls"
WSGI_APPLICATION = "host.wsgi.application"
ASGI_APPLICATION = "host.asgi.application"
DATABASES = {"default": {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, **database_settings()}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "host.guardians.sign.guardian_sign",
            ],
        },
    },
]

# Sign-in: e-mail and password, with TOTP, recovery codes and passkeys on offer; allauth brings its own rate limits.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_ADAPTER = "host.accounts.adapter.AccountAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "feed"
LOGOUT_REDIRECT_URL = "feed"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["host.api.authentication.SignedInSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["host.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "host.api.schema.DeclaredQuery",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "feed": "600/min",
        "events": "1200/min",
        "ingest": "600/min",  # of each source; a batch holds up to 5,000 decisions
        "audit": "300/min",
        "audit_replay": "60/min",
        "statements": "300/min",
        "complaints": "30/min",
    },
    "URL_FORMAT_OVERRIDE": None,  # no `?format=`: the API answers in JSON
    "EXCEPTION_HANDLER": "host.api.errors.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Clerestory API",
    "DESCRIPTION": "Slates that were allowed before they were served, and the events that shape the next one.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Two inputs have a field of the name "kind": each closed list has a name of its own.
    "ENUM_NAME_OVERRIDES": {
        "ControlKindEnum": "host.dashboard.controls_services.CHOICES",
        "KindEnum": "compliance.statements.models.decisions.Kind.choices",
    },
}

CELERY_BROKER_URL = broker_settings()
CACHES = {"default": cache_settings(CELERY_BROKER_URL)}
CELERY_BROKER_TRANSPORT_OPTIONS = BROKER_TRANSPORT_OPTIONS
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 240  # below the broker's visibility timeout of 300 s, or work would run twice
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
OUTBOX_SWEEP_SECONDS = number("CLERESTORY_OUTBOX_SWEEP_SECONDS", 30, least=1, most=3600)  # what a lost hint costs
CELERY_BEAT_SCHEDULE = {
    "outbox-sweep": {"task": "host.outbox.tasks.sweep", "schedule": float(OUTBOX_SWEEP_SECONDS)},
    "outbox-forget-done": {"task": "host.outbox.tasks.forget_done", "schedule": 86_400.0},
    # Events recount popularity through the outbox; this is for what fades without any.
    "popularity-refresh": {"task": "ranking.catalogue.tasks.refresh_popularity", "schedule": 3600.0},
    "audit-partitions": {"task": "compliance.audit.tasks.make_partitions", "schedule": 86_400.0},
    "rotate-audit-keys": {"task": "compliance.audit.tasks.rotate_keys", "schedule": 86_400.0},  # when it is time
    "retention": {"task": "compliance.audit.tasks.retain_by_schedule", "schedule": 86_400.0},
    "limits-effects": {"task": "compliance.limits.tasks.count_effects", "schedule": 86_400.0},
    "limits-forget": {"task": "compliance.limits.tasks.forget_old_days", "schedule": 86_400.0},
    "age-forget": {"task": "compliance.assurance.tasks.forget_old_proofs", "schedule": 86_400.0},
    "guardians-majority": {"task": "compliance.subjects.tasks.end_guardianships", "schedule": 86_400.0},
    "shadow-replay": {"task": "compliance.serving.tasks.shadow_replay", "schedule": 3600.0},  # each day once
    "label-new-items": {"task": "compliance.labels.tasks.label_new_items", "schedule": 60.0},
    "watch-pools": {"task": "compliance.labels.tasks.watch_pools", "schedule": 300.0},
    "export-statements": {"task": "compliance.statements.tasks.export_statements", "schedule": 60.0},
    "watch-statements": {"task": "compliance.statements.tasks.watch_backlog", "schedule": 3600.0},
    "reconcile-statements": {"task": "compliance.statements.tasks.reconcile_weekly", "schedule": 7 * 86_400.0},
    "embed-new-items": {"task": "ranking.serving.tasks.embed_new_items", "schedule": 60.0},
}
OUTBOX_HANDLERS = {
    "refresh_popularity": "host.dashboard.outbox.refresh_popularity",
    "export_statements": "host.statements.outbox.export_statements",
    "label_items": "compliance.labels.outbox.label_items",  # as soon as items were written or their text changed
}

# One constant policy, no nonce, nothing inline, nothing from elsewhere.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "microphone", "geolocation", "payment", "usb", "browsing-topics")
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English")]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT: Path | None = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "platform" / "host" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "host.logs.json_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"torch": {"level": "WARNING"}},  # it reports its caches on the way out
}
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_USER_ID_FIELD = None  # no personal data in logs
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
