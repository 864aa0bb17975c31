"""A Flask application: it starts once another process has migrated the database.

python app.py unix:///run/shop.sock, or another address
"""

import os
import signal
import sys
from pathlib import Path

from flask import Flask, Response

import pgbraid

URL = os.environ["DATABASE_URL"]
braid = pgbraid.load(Path(__file__).parent / "migrations")
app = Flask(__name__)


@app.get("/ready")
def ready() -> Response:
    """Answer a readiness probe; the answer stays yes when a newer release has migrated."""
    try:
        check = braid.check(URL, newer_ok=True)
    except pgbraid.PgbraidError:
        return Response(status=503)
    return Response(status=200 if check.ok else 503)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the first process of a container
    braid.ready(URL)
    app.run(host=sys.argv[1])
