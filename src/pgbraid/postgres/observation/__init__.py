"""Observes what each statement of a migration does on a scratch database."""

from pgbraid.postgres import driver  # noqa: F401 - a missing libpq is reported once
