"""The effects of a migration on production: rules over observations, weighed by sizes. Pure."""
