"""Sources of migrations: folder, package, zip, memory, git."""
