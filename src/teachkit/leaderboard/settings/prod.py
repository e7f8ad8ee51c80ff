"""A site on the internet. It refuses to start without its secrets, and behind anything but HTTPS."""

import os
from pathlib import Path

from teachkit.errors import SettingsError
from teachkit.leaderboard.settings.base import *  # noqa: F403
from teachkit.leaderboard.settings.base import LABELS_FOLDER, SITE_ROLE
from teachkit.leaderboard.settings.environment import database, required, site_folder, whole_number

SECRET_KEY = required("SECRET_KEY", "Keep 50 random letters in Secret Manager and pass them on.")
ALLOWED_HOSTS = required("ALLOWED_HOSTS", "Give the names of the site, separated by commas.").split(",")
DATABASES = {
    "default": database(
        required("DATABASE_URL", "Such as postgres://USER:PASSWORD@HOST/NAME; sqlite:///PATH works too."),
        site_folder(),
    )
}
required("TEACHKIT_SITE", "Give a folder that outlives the machine: uploads and labels lie there.")
LABELS = Path(LABELS_FOLDER or site_folder() / "labels")
if SITE_ROLE == "web" and os.access(LABELS, os.R_OK | os.X_OK):
    raise SettingsError(
        f"The web server does not start: its account can read the labels in '{LABELS}'.",
        "Run it as another account than the worker, and give the folder to the worker alone (chmod 700).",
        folder=str(LABELS),
    )
EMAIL_HOST = required("EMAIL_HOST", "Accounts are confirmed by mail; give the address of a mail server.")
EMAIL_PORT = whole_number("EMAIL_PORT", 587)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = True
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = required("EMAIL_FROM", "Give the address that mails come from.")
SHOW_MAILED_LINKS = False

CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS]
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 30 * 86400
# Whether other names of the domain speak HTTPS is not for this site to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
