"""For tests: fast passwords, mails in memory, the database of the environment or a fresh SQLite file."""

import os
from pathlib import Path
from tempfile import gettempdir

from teachkit.leaderboard.settings.base import *  # noqa: F403
from teachkit.leaderboard.settings.base import DATABASES, LOGGING

SECRET_KEY = "of tests alone, and worth nothing anywhere else"
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DEFAULT_FROM_EMAIL = "leaderboard@localhost"
SHOW_MAILED_LINKS = False
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None  # style sheets come straight from the package
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # a file, because threads must wait for each other
    DATABASES["default"]["TEST"] = {"NAME": str(Path(gettempdir()) / f"teachkit-site-{os.getpid()}.sqlite3")}
LOGGING["handlers"] = {"stderr": {"class": "logging.NullHandler"}}  # a test looks at records, not at lines
