"""The settings of a project whose tables pgbraid makes: Django has no migrations."""

import os

from psycopg.conninfo import conninfo_to_dict

_url = conninfo_to_dict(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url["dbname"],
        "USER": _url.get("user"),
        "PASSWORD": _url.get("password"),
        "HOST": _url.get("host"),
        "PORT": _url.get("port"),
    }
}
INSTALLED_APPS = ["shop"]
MIGRATION_MODULES = {"shop": None}
SECRET_KEY = "for tests"
USE_TZ = True
