"""gunicorn app:app: the master migrates, and its workers start afterwards.

In the master, because a worker that waits at its start does not react to SIGTERM, and gunicorn
ends workers that take longer than `timeout`.
"""

import os
import signal
import sys
from pathlib import Path

import pgbraid


def on_starting(_: object) -> None:
    """Apply what is pending; of several masters one migrates, and the others wait for its lock."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # until gunicorn sets its own
    try:
        pgbraid.load(Path(__file__).parent / "migrations").up(os.environ["DATABASE_URL"])
    except pgbraid.PgbraidError as error:
        sys.exit(f"not migrated: {error}")
