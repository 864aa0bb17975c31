"""``manage.py pgbraid_up`` is ``pgbraid up`` on a database of the project."""

from __future__ import annotations

from pgbraid.django.passing_on import PassingCommand

__all__ = ["Command"]


class Command(PassingCommand):
    """The command ``pgbraid_up``."""

    help = "Applies all pending migrations of the project."
    command = "up"
