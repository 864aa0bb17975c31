class CreateUsers < ActiveRecord::Migration[6.1]
  def up
    execute <<~SQL
      CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
      INSERT INTO users (id, name) VALUES (1, 'Ada; the first user');
    SQL
  end

  def down
    execute <<~SQL
      DROP TABLE users;
    SQL
  end
end
