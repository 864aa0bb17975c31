"""Add email.

Revision ID: 5e9a4db16c75
Revises: 3c7e2b9f4a53
"""

from alembic import op

revision = "5e9a4db16c75"
down_revision = "3c7e2b9f4a53"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("ALTER TABLE users ADD COLUMN email text;")


def downgrade():
    op.execute("ALTER TABLE users DROP COLUMN email;")
