class OrderTotal < ActiveRecord::Migration[6.1]
  def up
    execute <<~SQL
      CREATE FUNCTION order_total(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
      DECLARE
          total bigint;
      BEGIN
          SELECT coalesce(sum(amount), 0) INTO total FROM orders WHERE user_id = wanted;
          RETURN total;
      END;
      $$;
    SQL
  end

  def down
    execute <<~SQL
      DROP FUNCTION order_total(bigint);
    SQL
  end
end
