"""A fixture: a server of its own for scratch databases, as roles are made and put back there."""

from __future__ import annotations

import pytest

from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.settings.environment import cache_dir


@pytest.fixture(scope="session")
def scratch(programs):
    with scratch_server(programs=programs, cache=cache_dir()) as scratch:
        yield scratch
