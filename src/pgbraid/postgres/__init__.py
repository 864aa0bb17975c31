"""Everything that connects to a PostgreSQL server; no other package imports psycopg."""

from __future__ import annotations

from pgbraid.model.errors import DriverMissing

try:
    import psycopg  # noqa: F401 - the first import, so that a missing libpq is reported once
except ImportError as error:
    raise DriverMissing(f"the PostgreSQL driver cannot be used: {error}") from None
