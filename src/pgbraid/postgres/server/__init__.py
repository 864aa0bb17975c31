"""Embedded PostgreSQL servers."""
