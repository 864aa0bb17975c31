"""Replays, comparison and search: proofs, drift, snapshots."""
