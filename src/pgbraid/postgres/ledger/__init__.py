"""The ledger: the applied set and the journal."""

from pgbraid.postgres import driver  # noqa: F401 - a missing libpq is reported once
