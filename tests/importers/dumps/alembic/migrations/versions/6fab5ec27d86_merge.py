"""Merge.

Revision ID: 6fab5ec27d86
Revises: 4d8f3ca05b64, 5e9a4db16c75
"""

revision = "6fab5ec27d86"
down_revision = ("4d8f3ca05b64", "5e9a4db16c75")
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
