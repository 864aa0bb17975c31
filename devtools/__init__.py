"""Servers, poolers, proxies and databases for the tests, ``bench``, ``chaos`` and ``fuzz``."""
