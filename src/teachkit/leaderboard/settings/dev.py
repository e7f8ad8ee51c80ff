"""A site on one's own machine: `make site`. Secrets are drawn once and stay in the site's folder."""

from teachkit.leaderboard.settings.base import *  # noqa: F403
from teachkit.leaderboard.settings.base import SITE_FOLDER
from teachkit.leaderboard.settings.keys import kept_key

SECRET_KEY = kept_key(SITE_FOLDER / "secret_key")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = SITE_FOLDER / "mail"
DEFAULT_FROM_EMAIL = "leaderboard@localhost"
SHOW_MAILED_LINKS = True  # nobody but you can reach this site
STATIC_ROOT = None  # style sheets come straight from the package
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
