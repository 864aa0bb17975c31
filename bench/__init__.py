"""Measures pgbraid beside psql and other migration tools, on a PostgreSQL server of its own.

``python -m bench`` from the root of the checkout, with the Python in which pgbraid is installed,
measures every table; ``--help`` tells how to measure less. What is compared with each other is
measured in the same round, in an order of chance, on the same server with default settings; each
run gets a new database and is checked in it. Nothing is dropped until the end, so a whole session
needs some 30 GB of disk. It runs on Linux, whose ``/proc`` it reads.
"""
