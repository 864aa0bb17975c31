class IndexOrders < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!

  def up
    execute <<~SQL
      CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);
    SQL
  end

  def down
    execute <<~SQL
      DROP INDEX CONCURRENTLY orders_user_id;
    SQL
  end
end
