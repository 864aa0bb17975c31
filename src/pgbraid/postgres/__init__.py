"""The only folder that speaks to a server; psycopg is imported here and nowhere else."""

from __future__ import annotations

from pgbraid.model.errors import DriverMissing

try:
    import psycopg  # noqa: F401 - the first import, so that its failure is told once
except ImportError as error:
    raise DriverMissing(f"the PostgreSQL driver cannot be used: {error}") from None
