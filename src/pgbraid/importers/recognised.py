"""Trackers that pgbraid recognises and does not adopt: their migrations must not run again.

Sources: the table definitions in each tool's own source code, of the versions current in 2026. A
tool that keeps its tracker in a schema of its own by default has that schema in the entry.
"""

from __future__ import annotations

from pgbraid.importers.tool import Tool

__all__ = ["RECOGNISED"]

_VARCHAR = "character varying"
_NAME = f"{_VARCHAR}|text"
_INTEGER = "integer|bigint"
_TIME = "timestamp without time zone|timestamp with time zone"
_FLYWAY = (
    ("installed_rank", "integer"),
    ("version", _VARCHAR),
    ("description", _VARCHAR),
    ("type", _VARCHAR),
    ("script", _VARCHAR),
    ("success", "boolean"),
)

RECOGNISED: tuple[Tool, ...] = (
    # Several tools name their table schema_migrations; the columns distinguish them.
    Tool(
        "Hasura",
        ("schema_migrations",),
        (("version", "bigint"), ("dirty", "boolean")),
        "version",
        schema="hdb_catalog",
        only_there=True,
    ),
    Tool(
        "Supabase",
        ("schema_migrations",),
        (("version", "text"), ("statements", "text[]"), ("name", "text")),
        "version",
        schema="supabase_migrations",
    ),
    Tool(
        "Ecto", ("schema_migrations",), (("version", "bigint"), ("inserted_at", _TIME)), "version"
    ),
    Tool("dbmate or Rails", ("schema_migrations",), (("version", _NAME),), "version", exact=True),
    Tool(
        "goose",
        ("goose_db_version",),
        (("id", _INTEGER), ("version_id", "bigint"), ("is_applied", "boolean")),
        "version_id",
        has_initial_row=True,
    ),
    Tool("sql-migrate", ("gorp_migrations",), (("id", _NAME), ("applied_at", _TIME)), "id"),
    Tool(
        "Flyway",
        ("flyway_schema_history", "schema_version"),
        (*_FLYWAY, ("checksum", "integer")),
        "version",
    ),
    Tool(
        "dblift",
        ("dblift_schema_history", "flyway_schema_history"),
        (*_FLYWAY, ("checksum", _VARCHAR)),
        "version",
    ),
    Tool(
        "Liquibase",
        ("databasechangelog",),
        (
            *(("id", _VARCHAR), ("author", _VARCHAR), ("filename", _VARCHAR)),
            *(("orderexecuted", "integer"), ("exectype", _VARCHAR)),
        ),
        "id",
    ),
    Tool(
        "sqlx",
        ("_sqlx_migrations",),
        (
            *(("version", "bigint"), ("description", "text"), ("success", "boolean")),
            ("checksum", "bytea"),
        ),
        "version",
    ),
    Tool(
        "refinery",
        ("refinery_schema_history",),
        (("version", _INTEGER), ("name", _VARCHAR), ("applied_on", _VARCHAR)),
        "version",
    ),
    Tool(
        "Diesel",
        ("__diesel_schema_migrations",),
        (("version", _VARCHAR), ("run_on", _TIME)),
        "version",
    ),
    Tool("Alembic", ("alembic_version",), (("version_num", _VARCHAR),), "version_num"),
    Tool(
        "Django",
        ("django_migrations",),
        (("app", _VARCHAR), ("name", _VARCHAR), ("applied", _TIME)),
        "name",
    ),
    Tool(
        "yoyo",
        ("_yoyo_migrations", "_yoyo_migration"),
        (("migration_hash", _VARCHAR), ("migration_id", _VARCHAR)),
        "migration_id",
    ),
    Tool("yoyo 4", ("_yoyo_migration",), (("id", _VARCHAR), ("ctime", _TIME)), "id"),
    Tool(
        "tern",
        ("schema_version",),
        (("version", "integer"),),
        "version",
        exact=True,
        has_initial_row=True,
    ),
    Tool(
        "Yandex pgmigrate",
        ("schema_version",),
        (("version", "bigint"), ("description", "text"), ("installed_by", "text")),
        "version",
    ),
    Tool("node-pg-migrate", ("pgmigrations",), (("name", _VARCHAR), ("run_on", _TIME)), "name"),
    Tool(
        "graphile-migrate",
        ("migrations",),
        (("hash", "text"), ("previous_hash", "text"), ("filename", "text")),
        "filename",
        schema="graphile_migrate",
    ),
    Tool(
        "Knex",
        ("knex_migrations",),
        (("name", _VARCHAR), ("batch", "integer"), ("migration_time", _TIME)),
        "name",
    ),
    Tool(
        "Prisma",
        ("_prisma_migrations",),
        (("migration_name", _VARCHAR), ("finished_at", _TIME), ("checksum", _VARCHAR)),
        "migration_name",
    ),
    Tool(
        "Sqitch",
        ("changes",),
        (("change_id", "text"), ("change", "text"), ("project", "text")),
        "change",
        schema="sqitch",
    ),
    Tool(
        "Atlas",
        ("atlas_schema_revisions",),
        (
            *(("version", _NAME), ("description", _NAME), ("applied", "bigint")),
            *(("total", "bigint"), ("hash", _NAME)),
        ),
        "version",
        schema="atlas_schema_revisions",
    ),
    Tool(
        "TypeORM",
        ("migrations", "typeorm_migrations"),
        (("id", _INTEGER), ("timestamp", "bigint"), ("name", _VARCHAR)),
        "timestamp",
    ),
    Tool("Sequelize or umzug", ("SequelizeMeta",), (("name", _VARCHAR),), "name"),
    Tool(
        "Drizzle",
        ("__drizzle_migrations",),
        (("hash", "text"), ("created_at", "bigint")),
        "hash",
        schema="drizzle",
    ),
    Tool("DbUp", ("schemaversions",), (("scriptname", _VARCHAR), ("applied", _TIME)), "scriptname"),
    Tool(
        "peterldowns/pgmigrate",
        ("pgmigrate_migrations",),
        (("id", "text"), ("checksum", "text"), ("applied_at", _TIME)),
        "id",
    ),
    Tool(
        "pgroll",
        ("migrations",),
        (("schema", "name"), ("name", "text"), ("migration", "jsonb")),
        "name",
        schema="pgroll",
    ),
)
