"""``manage.py pgbraid_wait`` is ``pgbraid wait`` on a database of the project."""

from __future__ import annotations

from pgbraid.django.passing_on import PassingCommand

__all__ = ["Command"]


class Command(PassingCommand):
    """The command ``pgbraid_wait``."""

    help = "Waits until another process has applied all migrations of the project."
    command = "wait"
