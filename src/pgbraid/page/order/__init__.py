"""The two orders of the migrations, the blocks that stand together in both, and the runs."""
