"""How each tool handles two branches merged out of order: ``python -m bench.out_of_order``.

Each team's folder is a real git repository. Branch B writes migration 103, branch A writes 104.
A is merged and deployed; then B is merged and deployed. Nothing is rewritten in between: where git
or the tool wants a step of its own first, the table says so, and shows what that step gives.
"""
