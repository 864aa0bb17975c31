"""Advisory locks, and the sessions that block a statement."""

from pgbraid.postgres import driver  # noqa: F401 - a missing libpq is reported once
