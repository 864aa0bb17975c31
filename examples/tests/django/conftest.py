import pytest


@pytest.fixture(scope="session")
def django_db_setup():
    """Make no test database: the one of worker_url() is migrated."""
