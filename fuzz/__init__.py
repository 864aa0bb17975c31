"""Looks for what the snapshot of a catalog does not see, and for what it sees and should not.

``python -m fuzz`` from the root of the checkout changes one thing at a time, of hundreds of
kinds, and looks whether two snapshots differ; and it runs the same independent histories in two
orders, and looks whether they do not. ``--quick`` tries a part of each.
"""
