"""Where migrations come from: folder, package, zip, memory, git."""
