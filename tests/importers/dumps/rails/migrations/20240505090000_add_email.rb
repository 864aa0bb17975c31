class AddEmail < ActiveRecord::Migration[6.1]
  def up
    execute <<~SQL
      ALTER TABLE users ADD COLUMN email text;
    SQL
  end

  def down
    execute <<~SQL
      ALTER TABLE users DROP COLUMN email;
    SQL
  end
end
