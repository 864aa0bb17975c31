"""The least that a Python program with psycopg can do: connect, read the set, end."""

import sys

import psycopg

with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("SELECT version, checksum FROM applied_migrations").fetchall()
