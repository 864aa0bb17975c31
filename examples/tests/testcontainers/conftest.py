"""testcontainers: a server in a container takes the place of the embedded one.

With pytest-xdist, start the container before pytest, and set the variable: else each worker
starts its own.
"""

import os

if "PGBRAID_TEST_DSN" not in os.environ:
    from testcontainers.postgres import PostgresContainer

    container = PostgresContainer("postgres:18").start()  # testcontainers stops it at the end
    os.environ["PGBRAID_TEST_DSN"] = container.get_connection_url(driver=None)
