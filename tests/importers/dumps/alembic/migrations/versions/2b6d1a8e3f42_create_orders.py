"""Create orders.

Revision ID: 2b6d1a8e3f42
Revises: 1a5c0f7d2e31
"""

from alembic import op

revision = "2b6d1a8e3f42"
down_revision = "1a5c0f7d2e31"
branch_labels = None
depends_on = None


def upgrade():
    op.execute(
        """-- each order belongs to a user; the user must exist
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    note text NOT NULL DEFAULT 'none -- yet'
);
/* an order's amount; it's in cents */
ALTER TABLE orders ADD COLUMN amount bigint NOT NULL DEFAULT 0;
        """
    )


def downgrade():
    op.execute("DROP TABLE orders;")
