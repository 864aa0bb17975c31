-- hand-made from the DDL of Hasura CLI 2 (config version 2)
CREATE SCHEMA hdb_catalog;
CREATE TABLE hdb_catalog.schema_migrations (
    version bigint NOT NULL,
    dirty boolean NOT NULL
);

INSERT INTO hdb_catalog.schema_migrations VALUES (1714554000000, false);
INSERT INTO hdb_catalog.schema_migrations VALUES (1714640400000, false);
INSERT INTO hdb_catalog.schema_migrations VALUES (1714813200000, false);
INSERT INTO hdb_catalog.schema_migrations VALUES (1714899600000, false);

ALTER TABLE ONLY hdb_catalog.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);
