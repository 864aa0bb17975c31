"""The files that pgbraid writes into a folder of migrations: new ones, and renamed ones."""
