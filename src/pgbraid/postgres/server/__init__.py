"""Embedded PostgreSQL servers."""

from pgbraid.postgres import driver  # noqa: F401 - a missing libpq is reported once
