import os

from pgbraid.testing import worker_url

os.environ["DATABASE_URL"] = worker_url()
from settings import *
