"""What all sites share. No secret stands here."""

import os
from pathlib import Path

from teachkit.leaderboard.settings.environment import database, site_folder, whole_number

ROOM = Path(__file__).resolve().parents[1]
SITE_FOLDER = site_folder()
SITE_ROLE = os.environ.get("TEACHKIT_SITE_ROLE", "")  # "web" in the web server
LABELS_FOLDER = os.environ.get("TEACHKIT_LABELS", "")  # "": the folder labels in that of the site
SITE_NAME = os.environ.get("TEACHKIT_SITE_NAME", "BIG leaderboard")
SITE_CONTACT = os.environ.get("TEACHKIT_SITE_CONTACT", "")
SITE_TITLE_OF_MAILS = f"[{SITE_NAME}] "

DEBUG = False
ROOT_URLCONF = "teachkit.leaderboard.urls"
WSGI_APPLICATION = "teachkit.leaderboard.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""), SITE_FOLDER)}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "teachkit.leaderboard.people",
    "teachkit.leaderboard.challenges",
    "teachkit.leaderboard.submissions",
    "teachkit.leaderboard.board",
    "teachkit.leaderboard.pages",
]
MIDDLEWARE = [
    "teachkit.leaderboard.pages.logs.access",
    "teachkit.leaderboard.pages.shields.size_limit",  # before anything reads the body
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "teachkit.leaderboard.pages.shields.headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOM / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "teachkit.leaderboard.pages.context.site",
            ],
            "builtins": ["teachkit.leaderboard.board.templatetags.scores"],
        },
    }
]

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "profile"
LOGOUT_REDIRECT_URL = "home"
PASSWORD_RESET_TIMEOUT = 3600
TRUSTED_PROXIES = whole_number("TEACHKIT_TRUSTED_PROXIES", 0)  # in front of the site
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # nobody locks others out from elsewhere
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "teachkit.leaderboard.people.throttling.counted_name"
AXES_CLIENT_IP_CALLABLE = "teachkit.leaderboard.people.throttling.address_of"
AXES_LOCKOUT_TEMPLATE = "people/locked.html"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT: Path | None = Path(os.environ.get("TEACHKIT_STATIC") or SITE_FOLDER / "static")
STATICFILES_DIRS = [ROOM / "static"]

SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 86400
CSRF_FAILURE_VIEW = "teachkit.leaderboard.pages.views.stale_form"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

UPLOAD_MOST_BYTES = 64 * 2**20  # as `big.unpacking` has it
FILE_UPLOAD_HANDLERS = ["teachkit.leaderboard.submissions.receiving.CappedUpload"]
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 2**10
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
DATA_UPLOAD_MAX_NUMBER_FILES = 1

SCORING_MEMORY_BYTES = 3 * 2**30  # address space; numpy and pyarrow reserve far more than they use
SCORING_CPU_SECONDS = 120
SCORING_WALL_SECONDS = 300
LEASE_SECONDS = 30
MOST_ATTEMPTS = 3

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "teachkit.leaderboard.pages.logs.Lines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "axes": {"level": "WARNING"},
        "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
