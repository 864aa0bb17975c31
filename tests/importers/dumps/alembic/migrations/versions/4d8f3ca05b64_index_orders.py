"""Index orders.

Revision ID: 4d8f3ca05b64
Revises: 3c7e2b9f4a53
"""

from alembic import op

revision = "4d8f3ca05b64"
down_revision = "3c7e2b9f4a53"
branch_labels = None
depends_on = None


def upgrade():
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);")


def downgrade():
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY orders_user_id;")
