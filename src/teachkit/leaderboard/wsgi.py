"""What gunicorn calls. A process that answers requests has no way to the labels."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["TEACHKIT_SITE_ROLE"] = "web"  # before the settings are read
application = get_wsgi_application()
