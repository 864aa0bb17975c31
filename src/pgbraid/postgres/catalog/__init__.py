"""The schema and the rows of a database, read as values."""

from pgbraid.postgres import driver  # noqa: F401 - a missing libpq is reported once
