"""Everything a person or a machine reads: the only place that formats and prints."""

from pgbraid.cli.render.output import Output

__all__ = ["Output"]
