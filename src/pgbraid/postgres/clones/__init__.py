"""Templates of migrated databases, and clones of them for tests."""

from pgbraid.postgres import driver  # noqa: F401 - a missing libpq is reported once
