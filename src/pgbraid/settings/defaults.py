"""The defaults of the settings that a run with nothing to do needs."""

__all__ = ["FOLDER", "SCHEMA", "SETTINGS_FILES", "TABLE"]

FOLDER = "migrations"
SCHEMA = "public"
TABLE = "applied_migrations"
SETTINGS_FILES = ("pgbraid.toml", "pyproject.toml")
"""The names of files that may hold settings, in the order of precedence."""
