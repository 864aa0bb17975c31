defmodule Shop.Repo.Migrations.IndexOrders do
  use Ecto.Migration

  @disable_ddl_transaction true
  @disable_migration_lock true

  def up do
    execute """
    CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);
    """
  end

  def down do
    execute "DROP INDEX CONCURRENTLY orders_user_id;"
  end
end
