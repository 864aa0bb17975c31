"""pgbraid in a Django project: add ``"pgbraid.django"`` to INSTALLED_APPS.

It brings the commands ``pgbraid_up``, ``pgbraid_check`` and ``pgbraid_wait``, a system check with
the tag ``database``, and the test runner ``pgbraid.django.runner.Runner``. This module imports
nothing of Django.
"""

from __future__ import annotations

from pgbraid.django.urls_of_databases import url_of

__all__ = ["url_of"]
