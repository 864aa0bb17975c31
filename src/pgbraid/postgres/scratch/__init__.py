"""Databases to replay migrations in."""
