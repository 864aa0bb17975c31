"""Proves random histories of seed data, and lets plain psql judge each verdict.

``python -m fuzz.seeds`` writes histories of 3 to 12 migrations that insert, copy, update and
merge rows with generated keys and times. Each is proven; then psql builds both orders, each twice,
and an oracle that shares no code with pgbraid says whether they differ.
"""
