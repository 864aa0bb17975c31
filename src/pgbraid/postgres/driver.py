"""Imports the driver first, so that a missing libpq is reported once, as an error of pgbraid.

Each package of ``postgres`` imports this module in its ``__init__``. ``postgres`` itself does not:
a run that has nothing to do asks the server without the driver, see ``postgres.libpq``.
"""

from __future__ import annotations

from pgbraid.model.errors import DriverMissing

try:
    import psycopg  # noqa: F401 - see above
except ImportError as error:
    raise DriverMissing(f"the PostgreSQL driver cannot be used: {error}") from None
