"""Orders of migrations, run on scratch databases."""
