"""Databases to replay migrations in."""

from pgbraid.postgres import driver  # noqa: F401 - a missing libpq is reported once
