defmodule Shop.Repo.Migrations.AddEmail do
  use Ecto.Migration

  def up do
    execute """
    ALTER TABLE users ADD COLUMN email text;
    """
  end

  def down do
    execute "ALTER TABLE users DROP COLUMN email;"
  end
end
