"""The only folder that speaks to a server; psycopg is imported here and nowhere else."""
