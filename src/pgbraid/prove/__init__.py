"""Replay, compare, search: proofs, drift, snapshots."""
