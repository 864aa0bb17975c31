"""Reads sizes, traffic and frequent statements of production from the server's statistics."""

from pgbraid.postgres import driver  # noqa: F401 - reports a driver that cannot be used
