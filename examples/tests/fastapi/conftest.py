import pytest
from app import app
from fastapi.testclient import TestClient


@pytest.fixture
def client(pgbraid_dsn, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", pgbraid_dsn)
    with TestClient(app) as client:
        yield client
