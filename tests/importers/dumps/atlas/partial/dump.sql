-- left by atlas 1.2.3
CREATE SCHEMA atlas_schema_revisions;
CREATE TABLE atlas_schema_revisions.atlas_schema_revisions (
    version character varying NOT NULL,
    description character varying NOT NULL,
    type bigint DEFAULT 2 NOT NULL,
    applied bigint DEFAULT 0 NOT NULL,
    total bigint DEFAULT 0 NOT NULL,
    executed_at timestamp with time zone NOT NULL,
    execution_time bigint NOT NULL,
    error text,
    error_stmt text,
    hash character varying NOT NULL,
    partial_hashes jsonb,
    operator_version character varying NOT NULL
);

INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240501090000', 'create_users', 2, 2, 2, '2026-11-28 13:59:36.584442+00', 254653, '', '', '/dw3vkDtaVmNQdIXS5578iL6YoJuON6PAVbaVl06sVc=', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240502090000', 'create_orders', 2, 2, 2, '2026-11-28 13:59:36.588229+00', 239938, '', '', 'nd/Q4Dq1FCrVsvfc3ovtRy42r7PZpoaReM9htab1mw4=', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240503090000', 'order_total', 2, 1, 1, '2026-11-28 13:59:36.591736+00', 310567, '', '', 'wP3yRjsSj3LHWPobvqWNzU60nhGjdSKLmJ2MO5AGY9s=', 'null', 'Atlas CLI - development');
INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('20240504090000', 'index_orders', 2, 1, 2, '2026-11-28 13:59:36.645535+00', 655417, 'pq: relation "orders_note" already exists (42P07)', 'CREATE INDEX CONCURRENTLY orders_note ON orders (note);', '1qVvjWS+pXElgjb2sCJFv/TtK+Xt4oqgi7a77c8kJ+4=', '["h1:0NFQ3wjyTCMypWnCrZwrBRo7NSDJKlCWIMdIUiFHoEk="]', 'Atlas CLI - development');

ALTER TABLE ONLY atlas_schema_revisions.atlas_schema_revisions
    ADD CONSTRAINT atlas_schema_revisions_pkey PRIMARY KEY (version);
