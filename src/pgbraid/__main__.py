"""``python -m pgbraid`` is the command line."""

import sys

from pgbraid.cli import main

if __name__ == "__main__":
    sys.exit(main())
