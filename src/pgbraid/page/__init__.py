"""The report page: the order of a database's migrations, its runs, its proof, in one HTML file."""
