"""Settings of the site; `DJANGO_SETTINGS_MODULE` names one of dev, test, prod."""
