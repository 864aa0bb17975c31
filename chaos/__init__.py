"""Breaks what pgbraid stands on, and looks whether what it promises still holds.

``python -m chaos`` from the root of the checkout, with the Python in which pgbraid is
installed, runs every scenario and writes a table; ``--quick`` tries each of them a few times,
``--self-test`` shows that each check can fail. It runs on Linux, whose ``/proc`` it reads.
"""
