"""Proofs, drift and snapshots, by replaying migrations on scratch databases."""
