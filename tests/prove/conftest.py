"""A fixture: the tests' own server as one for scratch databases."""

from __future__ import annotations

import pytest

from pgbraid.db.scratch import scratch_server


@pytest.fixture(scope="session")
def scratch(server):
    with scratch_server(server) as scratch:
        yield scratch
