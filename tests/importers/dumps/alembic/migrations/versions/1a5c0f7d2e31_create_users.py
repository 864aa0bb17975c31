"""Create users.

Revision ID: 1a5c0f7d2e31
Revises: 
"""

from alembic import op

revision = "1a5c0f7d2e31"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.execute(
        """CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO users (id, name) VALUES (1, 'Ada; the first user');
        """
    )


def downgrade():
    op.execute("DROP TABLE users;")
