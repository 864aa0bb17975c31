"""Formats and prints results, errors and progress; no other room prints."""

from pgbraid.cli.render.output import Output

__all__ = ["Output"]
