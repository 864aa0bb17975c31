"""Everything that connects to a PostgreSQL server; no other package imports psycopg."""
