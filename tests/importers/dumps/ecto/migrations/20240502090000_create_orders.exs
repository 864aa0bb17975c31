defmodule Shop.Repo.Migrations.CreateOrders do
  use Ecto.Migration

  def up do
    execute """
    -- each order belongs to a user; the user must exist
    CREATE TABLE orders (
        id bigint PRIMARY KEY,
        user_id bigint NOT NULL REFERENCES users (id),
        note text NOT NULL DEFAULT 'none -- yet'
    );
    /* an order's amount; it's in cents */
    ALTER TABLE orders ADD COLUMN amount bigint NOT NULL DEFAULT 0;
    """
  end

  def down do
    execute "DROP TABLE orders;"
  end
end
