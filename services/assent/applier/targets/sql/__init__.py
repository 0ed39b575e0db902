"""A Postgres database: a statement or a migration, and the release in the same transaction."""
