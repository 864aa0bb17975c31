defmodule Shop.Repo.Migrations.CreateUsers do
  use Ecto.Migration

  def up do
    execute """
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    INSERT INTO users (id, name) VALUES (1, 'Ada; the first user');
    """
  end

  def down do
    execute "DROP TABLE users;"
  end
end
