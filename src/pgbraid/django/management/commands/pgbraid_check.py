"""``manage.py pgbraid_check`` is ``pgbraid check`` on a database of the project."""

from __future__ import annotations

from pgbraid.django.passing_on import PassingCommand

__all__ = ["Command"]


class Command(PassingCommand):
    """The command ``pgbraid_check``."""

    help = "Verifies that the applied migrations match the files of the project."
    command = "check"
