"""A test runner that migrates the test database with pgbraid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connections
from django.test.runner import DiscoverRunner

from pgbraid.django.project import database_url_of, project_migrator
from pgbraid.model.errors import ProblemsFound

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Runner"]

_ALIAS = "default"


class Runner(DiscoverRunner):
    """Django's test runner; after Django has made the test database, pgbraid migrates it.

    The databases of parallel tests are copies of it, so they have the migrations, too. Set
    ``TEST_RUNNER = "pgbraid.django.runner.Runner"``.
    """

    def setup_databases(self, **options: Any) -> Any:  # noqa: ANN401 - Django's own value
        """Create the test databases. Raises MigrationFailed and the other errors of ``up``."""
        creation = connections[_ALIAS].creation
        creation.create_test_db = _then_migrated(creation.create_test_db)
        try:
            return super().setup_databases(**options)
        finally:
            del creation.create_test_db


def _then_migrated(create: Callable[..., str]) -> Callable[..., str]:
    """Return a function that creates the test database and migrates it."""

    def created(*positional: Any, **options: Any) -> str:  # noqa: ANN401 - Django's own options
        name = create(*positional, **options)
        url = database_url_of(_ALIAS)
        try:
            project_migrator().up(url)
        except ProblemsFound as error:
            if {problem.code for problem in error.problems} != {"tracker_found"}:
                raise
            # Django has just run its own migrations here; they are not those of these files.
            project_migrator(adopt=False).up(url)
        return name

    return created
