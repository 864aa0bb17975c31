"""A Celery application: its workers start once another process has migrated the database.

celery --app tasks worker
"""

import os
import signal
import sys
from pathlib import Path

import psycopg
from celery import Celery
from celery.signals import worker_init

import pgbraid

URL = os.environ["DATABASE_URL"]
braid = pgbraid.load(Path(__file__).parent / "migrations")
app = Celery("tasks", broker=os.environ.get("BROKER_URL", "memory://"))
if folder := os.environ.get("BROKER_FOLDER"):  # with the broker filesystem://
    app.conf.broker_transport_options = {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": f"{folder}/control",
    }


@worker_init.connect
def wait_for_migrations(**_: object) -> None:
    """Wait; Celery would log any other exception than SystemExit and start the worker."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # until Celery sets its own
    try:
        braid.ready(URL, timeout=float(os.environ.get("READY_TIMEOUT", "600")))
    except pgbraid.PgbraidError as error:
        sys.exit(f"the database is not ready: {error}")


@app.task
def add_customer(name: str) -> None:
    """Insert a row, which needs the first migration."""
    with psycopg.connect(URL) as conn:
        conn.execute("INSERT INTO customers (name) VALUES (%s)", [name])
