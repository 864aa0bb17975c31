"""Order total.

Revision ID: 3c7e2b9f4a53
Revises: 2b6d1a8e3f42
"""

from alembic import op

revision = "3c7e2b9f4a53"
down_revision = "2b6d1a8e3f42"
branch_labels = None
depends_on = None


def upgrade():
    op.execute(
        """CREATE FUNCTION order_total(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
BEGIN
    SELECT coalesce(sum(amount), 0) INTO total FROM orders WHERE user_id = wanted;
    RETURN total;
END;
$$;
        """
    )


def downgrade():
    op.execute("DROP FUNCTION order_total(bigint);")
