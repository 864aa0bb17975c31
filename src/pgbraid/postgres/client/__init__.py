"""One connection to a server: URL, session, settings, poolers, errors."""

from pgbraid.postgres import driver  # noqa: F401 - a missing libpq is reported once
